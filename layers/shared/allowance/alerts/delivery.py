"""Deliver due spend alerts: claim them, send them to each receiver, record which receiver has
which.
"""

import json
import time
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from itertools import batched
from typing import assert_never

from allowance.access.handle import Handle
from allowance.access.store import Store
from allowance.alerts.models import SpendAlert
from allowance.alerts.receivers import MAX_BATCH, CallRefused, NoAnswer, Receiver, ReceiverName
from allowance.contract.fields import Row
from allowance.log import logger
from allowance.metrics import count_alerts
from allowance.rbac.policy import SPEND_ALERTS, Action

PAGE = 50
CLAIMING_SECONDS = 25
"""A run claims no alerts after this time."""
SENDING_SECONDS = 35
"""A run starts no call after this time, so that the last call and its mark end before the function
times out.
"""
LEASE_SECONDS = 120
"""Longer than the timeout of the function, and short enough that a repetition falls within the five
minutes of a FIFO topic's deduplication.
"""
FIRST_DELAY_SECONDS = 60
LONGEST_DELAY_SECONDS = 900
"""The delay doubles with each attempt, up to this. Attempts never end."""
PERSISTENT_ATTEMPTS = 5
"""From this attempt on a failure is an error: a quarter of an hour after the first."""
NO_TIME = "NoTimeLeft"


class ClaimedAlert(SpendAlert):
    """An alert that this run has claimed, and which receivers have it. `attempts` counts this run
    too.
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
    """Alerts that are not delivered, how many of them after PERSISTENT_ATTEMPTS, and the age of
    the oldest.
    """

    waiting: int
    failing: int
    oldest_seconds: int


class DeliveryCounts(WaitingAlerts):
    """Alerts that a run delivered, and those it left. The failed ones are due again later."""

    receivers: list[ReceiverName]
    delivered: int
    failed: int


class AlertStore(Store):
    """Delivers spend alerts for a system actor."""

    def deliver(self, receivers: Sequence[Receiver]) -> DeliveryCounts:
        """Send each due alert to each receiver that does not have it. Raise NotAuthorized.

        A failed alert delays no other alert and no other receiver. Concurrent runs share the
        alerts. If a run ends between a response and its mark, that receiver gets the alert again
        after the lease.
        """
        db = self._gate.open(Action.UPDATE, SPEND_ALERTS)
        with ExitStack() as connections:
            for receiver in receivers:
                connections.callback(receiver.close)
            return self._deliver(db, receivers)

    def _deliver(self, db: Handle, receivers: Sequence[Receiver]) -> DeliveryCounts:
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
        # Without a receiver no alert is late.
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
    """One receiver in one run. After a call without a response, the run calls it no more."""

    def __init__(self, db: Handle, receiver: Receiver, until: float) -> None:
        self._db = db
        self._receiver = receiver
        self._until = until
        self._silent: str | None = None
        self.reasons: Counter[str] = Counter()

    @property
    def receiver(self) -> ReceiverName:
        return self._receiver.name

    def tell(self, page: Sequence[ClaimedAlert]) -> list[ClaimedAlert]:
        """Send the alerts that the receiver does not have, and mark after each call those it
        accepted. Return the others.
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
                    # One alert is at fault: send each alone, so that the others get through.
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


def _settle(db: Handle, page: Sequence[ClaimedAlert], untold: set[str]) -> None:
    """End the leases of a page of alerts."""
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
