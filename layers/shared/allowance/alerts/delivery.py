"""Raise the alerts that are due, and deliver them: claim them, send them to each receiver, record
which receiver has which.
"""

import json
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Literal
from uuid import UUID

from allowance.access.handle import Handle
from allowance.access.store import Store
from allowance.alerts.evaluation import raise_due_alerts
from allowance.alerts.receivers import Receiver, ReceiverName
from allowance.alerts.settings import console_url
from allowance.alerts.telling import ClaimedAlert, Telling, Told
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
Outcome = Literal["delivered", "failed", "untried"]
"""Untried: a receiver was not called for the alert, and none failed it."""


class WaitingAlerts(Row):
    """Alerts that are not delivered, how many of them after PERSISTENT_ATTEMPTS, and the age of
    the oldest.
    """

    waiting: int
    failing: int
    oldest_seconds: int


class DeliveryCounts(WaitingAlerts):
    """Alerts that a run raised and delivered, and those it left: the failed ones are due again
    later, the untried ones at once.
    """

    raised: int
    receivers: list[ReceiverName]
    delivered: int
    failed: int
    untried: int


class AlertStore(Store):
    """Raises and delivers spend alerts for a system actor."""

    def deliver(self, receivers: Sequence[Receiver]) -> DeliveryCounts:
        """Raise what is due, and send each due alert to each receiver that does not have it. Raise
        NotAuthorized.

        If looking for new alerts fails, the run delivers the others, and fails then.
        A failed alert delays no other alert, except a later one of its budget on a topic that keeps
        the order. Concurrent runs share the alerts. If a run ends between a response and its
        mark, that receiver gets the alerts of this one call again after the lease.
        """
        db = self._gate.open(Action.UPDATE, SPEND_ALERTS)
        with ExitStack() as connections:
            for receiver in receivers:
                connections.callback(receiver.close)
            try:
                raised = raise_due_alerts(db)
            finally:
                delivered = self._deliver(db, receivers)
            return DeliveryCounts(**delivered, raised=raised)

    def _deliver(self, db: Handle, receivers: Sequence[Receiver]) -> dict[str, Any]:
        page = self._claim(db, receivers, [each.name for each in receivers])
        # The first statement may have waited for a database that resumes.
        started = time.monotonic()
        tellings = [Telling(db, each, started + SENDING_SECONDS) for each in receivers]
        outcomes: dict[UUID, Outcome] = {}
        persistent = 0
        while page:
            results = [telling.tell(page) for telling in tellings]
            settled = _settle(db, page, results)
            outcomes |= settled
            persistent += sum(
                settled[each.id] == "failed" and each.attempts + 1 >= PERSISTENT_ATTEMPTS
                for each in page
            )
            if time.monotonic() >= started + CLAIMING_SECONDS:
                break
            page = self._claim(db, receivers, [each.receiver for each in tellings if each.calls])
        state = db.one(WaitingAlerts, "count_waiting_alerts", attempts=PERSISTENT_ATTEMPTS)
        self._log(tellings, state, persistent)
        counts = Counter(outcomes.values())
        # Without a receiver no alert is late.
        oldest_seconds = state.oldest_seconds if receivers else 0
        count_alerts(
            delivered=counts["delivered"], failing=state.failing, oldest_seconds=oldest_seconds
        )
        return state.model_dump() | {
            "receivers": [each.name for each in receivers],
            "delivered": counts["delivered"],
            "failed": counts["failed"],
            "untried": counts["untried"],
        }

    def _claim(
        self, db: Handle, receivers: Sequence[Receiver], called: Sequence[ReceiverName]
    ) -> list[ClaimedAlert]:
        """Claim a page of alerts that one of the called receivers does not have."""
        if not called:
            return []
        return db.many(
            ClaimedAlert,
            "claim_alerts",
            receivers=list(called),
            configured=[each.name for each in receivers],
            in_order=[each.name for each in receivers if each.keeps_order],
            console_url=console_url(),
            limit=PAGE,
            lease_seconds=LEASE_SECONDS,
        )

    def _log(self, tellings: Sequence["Telling"], state: WaitingAlerts, persistent: int) -> None:
        request_id = self._origin.request_id
        if not tellings:
            logger().warning(
                "no receiver of alerts is configured", request_id=request_id, waiting=state.waiting
            )
        for telling in tellings:
            if not telling.calls:
                logger().warning(
                    "receiver not called any more",
                    request_id=request_id,
                    receiver=telling.receiver,
                )
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


def _settle(
    db: Handle, page: Sequence[ClaimedAlert], results: Sequence[Told]
) -> dict[UUID, Outcome]:
    """End the leases of a page of alerts. Return what became of each, by its id."""
    failed = {id_ for each in results for id_ in each.failed}
    untried = {id_ for each in results for id_ in each.untried}
    outcomes: dict[UUID, Outcome] = {
        each.id: "failed" if each.id in failed else "untried" if each.id in untried else "delivered"
        for each in page
    }
    entries = [
        {
            "id": str(each.id),
            "leased_until": each.leased_until.isoformat(),
            "outcome": outcomes[each.id],
            "elsewhere_untried": each.id in untried,
        }
        for each in page
    ]
    db.run(
        "settle_alerts",
        entries=json.dumps(entries),
        first_delay_seconds=FIRST_DELAY_SECONDS,
        longest_delay_seconds=LONGEST_DELAY_SECONDS,
    )
    return outcomes
