"""DeliverAlerts' reads and writes: take up the alerts that are due, tell each receiver, keep who
has which.
"""

import json
import time
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from itertools import batched
from typing import assert_never

from allowance.access.gate import Gate
from allowance.access.store import Origin
from allowance.alerts.models import SpendAlert
from allowance.alerts.receivers import MAX_BATCH, CallRefused, NoAnswer, Receiver, ReceiverName
from allowance.contract.fields import Row
from allowance.database.database import Database
from allowance.log import logger
from allowance.metrics import count_alerts
from allowance.rbac.policy import SPEND_ALERTS, Action

PAGE = 50
CLAIMING_SECONDS = 25
"""Nothing is taken up after so much of a run."""
SENDING_SECONDS = 35
"""No call begins after so much of a run, so that the last one, and what is kept of it, end before
the function does.
"""
LEASE_SECONDS = 120
"""Longer than the function may run; short enough for a repetition to fall into the five minutes of
a FIFO topic.
"""
FIRST_DELAY_SECONDS = 60
LONGEST_DELAY_SECONDS = 900
"""The delay doubles with each attempt from the one to the other, at which it goes on for ever."""
PERSISTENT_ATTEMPTS = 5
"""From then on it is an error. That is a quarter of an hour after the first one."""
NO_TIME = "NoTimeLeft"


class ClaimedAlert(SpendAlert):
    """An alert in the hands of this run, and who has it already. `attempts` is this one's number,
    from 1.
    """

    attempts: int
    sns_published_at: datetime | None
    event_put_at: datetime | None

    def is_known_to(self, receiver: ReceiverName) -> bool:
        """Return whether this receiver accepted it in an earlier run."""
        match receiver:
            case "sns":
                return self.sns_published_at is not None
            case "eventbridge":
                return self.event_put_at is not None
            case _:
                assert_never(receiver)


class WaitingAlerts(Row):
    """What is not delivered yet, how much of that in spite of PERSISTENT_ATTEMPTS, and the age of
    the oldest.
    """

    waiting: int
    failing: int
    oldest_seconds: int


class DeliveryCounts(WaitingAlerts):
    """What a run did, in alerts, and what it left. `failed` is due again later."""

    receivers: list[ReceiverName]
    delivered: int
    failed: int


class AlertStore:
    """Spend alerts, as a system actor may deliver them."""

    def __init__(self, gate: Gate, origin: Origin) -> None:
        self._gate = gate
        self._origin = origin

    def deliver(self, receivers: Sequence[Receiver]) -> DeliveryCounts:
        """Tell each receiver of each alert that is due, and that it does not know of. Raises
        NotAuthorized.

        What a receiver does not take concerns neither the other alerts nor the other receivers. Two
        runs at once share the alerts. A run that ends between an answer and its mark tells that
        receiver again, when the lease has ended.
        """
        db = self._gate.open(Action.UPDATE, SPEND_ALERTS)
        with ExitStack() as connections:
            for receiver in receivers:
                connections.callback(receiver.close)
            return self._deliver(db, receivers)

    def _deliver(self, db: Database, receivers: Sequence[Receiver]) -> DeliveryCounts:
        started = time.monotonic()
        tellings = [Telling(db, each, started + SENDING_SECONDS) for each in receivers]
        delivered = failed = persistent = 0
        while receivers and time.monotonic() < started + CLAIMING_SECONDS:
            page = db.many(
                ClaimedAlert, "claim_spend_alerts", limit=PAGE, lease_seconds=LEASE_SECONDS
            )
            untold = {alert.id for telling in tellings for alert in telling.tell(page)}
            _settle(db, page, untold)
            delivered += len(page) - len(untold)
            failed += len(untold)
            persistent += sum(
                alert.id in untold and alert.attempts >= PERSISTENT_ATTEMPTS for alert in page
            )
            if len(page) < PAGE:
                break
        state = db.one(WaitingAlerts, "count_waiting_alerts", attempts=PERSISTENT_ATTEMPTS)
        self._log(tellings, state, persistent)
        # With nobody to be told, none is late.
        oldest_seconds = state.oldest_seconds if receivers else 0
        count_alerts(delivered=delivered, failing=state.failing, oldest_seconds=oldest_seconds)
        return DeliveryCounts(
            **state.model_dump(),
            receivers=[each.name for each in receivers],
            delivered=delivered,
            failed=failed,
        )

    def _log(self, tellings: Sequence["Telling"], state: WaitingAlerts, persistent: int) -> None:
        request_id = self._origin.request_id
        if not tellings:
            logger().warning(
                "no receiver of alerts is configured", request_id=request_id, waiting=state.waiting
            )
        for telling in tellings:
            for reason, count in telling.reasons.items():
                logger().warning(
                    "alerts not taken",
                    request_id=request_id,
                    receiver=telling.receiver,
                    reason=reason,
                    alerts=count,
                )
        if persistent:
            logger().error(
                "alerts not delivered",
                request_id=request_id,
                alerts=persistent,
                attempts=PERSISTENT_ATTEMPTS,
                oldest_seconds=state.oldest_seconds,
            )


class Telling:
    """One receiver in one run. Once it does not answer, it is not asked again before
    the next run.
    """

    def __init__(self, db: Database, receiver: Receiver, until: float) -> None:
        self._db = db
        self._receiver = receiver
        self._until = until
        self._silent: str | None = None
        self.reasons: Counter[str] = Counter()

    @property
    def receiver(self) -> ReceiverName:
        return self._receiver.name

    def tell(self, page: Sequence[ClaimedAlert]) -> list[ClaimedAlert]:
        """Tell it what it does not know, and keep after each call what it took. What it did not
        take.
        """
        untold: list[ClaimedAlert] = []
        calls = deque(
            batched(
                (each for each in page if not each.is_known_to(self.receiver)),
                MAX_BATCH,
                strict=False,
            )
        )
        while calls:
            batch = calls.popleft()
            try:
                reasons = self._send(batch)
            except CallRefused as refusal:
                if len(batch) > 1:
                    # One of them is at fault: each by itself, so that it stops none of the others.
                    calls.extendleft((each,) for each in reversed(batch))
                    continue
                reasons = [str(refusal)]
            taken = [alert for alert, reason in zip(batch, reasons, strict=True) if reason is None]
            if taken:
                self._db.run(
                    "mark_spend_alerts",
                    receiver=self.receiver,
                    entries=json.dumps(list(map(_key, taken))),
                )
            untold += [
                alert for alert, reason in zip(batch, reasons, strict=True) if reason is not None
            ]
            self.reasons.update(filter(None, reasons))
        return untold

    def _send(self, batch: Sequence[ClaimedAlert]) -> list[str | None]:
        if self._silent is None and time.monotonic() > self._until:
            self._silent = NO_TIME
        if self._silent is None:
            try:
                return self._receiver.send(batch)
            except NoAnswer as error:
                self._silent = str(error)
        return [self._silent] * len(batch)


def _settle(db: Database, page: Sequence[ClaimedAlert], untold: set[str]) -> None:
    """End the leases of a page."""
    entries = [
        _key(each) | {"attempts": each.attempts, "delivered": each.id not in untold}
        for each in page
    ]
    if entries:
        db.run(
            "settle_spend_alerts",
            entries=json.dumps(entries),
            first_delay_seconds=FIRST_DELAY_SECONDS,
            longest_delay_seconds=LONGEST_DELAY_SECONDS,
        )


def _key(alert: SpendAlert) -> dict[str, object]:
    return alert.model_dump(mode="json", include={"user_id", "period_start", "threshold_percent"})
