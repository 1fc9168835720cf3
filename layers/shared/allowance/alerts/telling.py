"""One receiver in one run of DeliverAlerts: the alerts that it is called for, and its responses."""

import time
from collections import Counter, deque
from collections.abc import Sequence
from datetime import datetime
from itertools import batched
from typing import NamedTuple
from uuid import UUID

from allowance.access.handle import Handle
from allowance.alerts.models import Alert
from allowance.alerts.receivers import MAX_BATCH, CallRefused, NoAnswer, Receiver, ReceiverName

SILENT_CALLS = 10
"""After this number of calls in a row without a response, a run calls the receiver no more."""
SILENT_SECONDS = 6.0
"""The same after these seconds of such calls: a receiver that hangs leaves time for the other."""


class ClaimedAlert(Alert):
    """An alert that this run has claimed, the receivers that have it, and those that keep the order
    and lack an earlier alert of the same budget, subject and period.
    """

    attempts: int
    leased_until: datetime
    received: list[str]
    waiting: list[str]


class Told(NamedTuple):
    """The ids of the alerts that a receiver did not accept, and of those it was not called for."""

    failed: set[UUID]
    untried: set[UUID]


class Telling:
    """One receiver in one run. After many calls in a row without a response, the run calls it no
    more.
    """

    def __init__(self, db: Handle, receiver: Receiver, until: float) -> None:
        self._db = db
        self._receiver = receiver
        self._until = until
        self._silent_calls = 0
        self._silent_seconds = 0.0
        self.reasons: Counter[str] = Counter()

    @property
    def receiver(self) -> ReceiverName:
        return self._receiver.name

    @property
    def calls(self) -> bool:
        """Return whether the run calls the receiver."""
        return (
            self._silent_calls < SILENT_CALLS
            and self._silent_seconds < SILENT_SECONDS
            and time.monotonic() <= self._until
        )

    def tell(self, page: Sequence[ClaimedAlert]) -> Told:
        """Send the alerts that the receiver lacks, and mark after each call those it accepted.
        Return the others.
        """
        lacking = [each for each in page if self.receiver not in each.received]
        result = Told(set(), {each.id for each in lacking if self.receiver in each.waiting})
        calls = deque(
            batched(
                (each for each in lacking if each.id not in result.untried), MAX_BATCH, strict=False
            )
        )
        while calls:
            batch = calls.popleft()
            if not self.calls:
                result.untried.update(each.id for each in batch)
                continue
            try:
                reasons = self._send(batch)
            except CallRefused as refusal:
                if len(batch) > 1:
                    # One alert is at fault: send each alone, so that the others get through.
                    calls.extendleft((each,) for each in reversed(batch))
                    continue
                reasons = [str(refusal)]
            taken = [alert for alert, reason in zip(batch, reasons, strict=True) if reason is None]
            if taken:
                self._db.run(
                    "mark_alerts", receiver=self.receiver, alert_ids=[each.id for each in taken]
                )
            result.failed.update(each.id for each in batch if each not in taken)
            self.reasons.update(filter(None, reasons))
        return result

    def _send(self, batch: Sequence[ClaimedAlert]) -> list[str | None]:
        started = time.monotonic()
        try:
            reasons = self._receiver.send(batch)
        except NoAnswer as error:
            self._silent_calls += 1
            self._silent_seconds += time.monotonic() - started
            return [str(error)] * len(batch)
        except CallRefused:
            self._end_silence()
            raise
        self._end_silence()
        return reasons

    def _end_silence(self) -> None:
        self._silent_calls, self._silent_seconds = 0, 0.0
