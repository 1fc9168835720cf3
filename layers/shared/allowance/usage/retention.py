"""ExpireUsage's writes: drop the old months of the ledger, each in a transaction of its own.

Dropping a month locks the whole ledger, and writers queue behind a session that waits for the lock.
So the database gives up after 100 ms, and the job retries after PAUSE_SECONDS.
"""

from datetime import date
from time import sleep

from allowance.access.store import Store
from allowance.contract.fields import Row
from allowance.log import logger
from allowance.metrics import count_expired_usage
from allowance.rbac.policy import USAGE, Action

TRIES = 20
"""Attempts per run. A month that is read for longer than that stays until the next run."""

PAUSE_SECONDS = 1.0


class OldestMonth(Row):
    """The first day of the oldest month to drop, and whether it was dropped. None: no month."""

    month: date | None
    dropped: bool | None


class ExpiredMonths(Row):
    """The dropped months, as `2025-09`, and a month in use that is left for the next run."""

    dropped: list[str]
    postponed: str | None


class UsageExpirer(Store):
    """Retention of the ledger, by a system actor."""

    def expire(self, kept_months: int) -> ExpiredMonths:
        """Drop all months but the current one and `kept_months` whole months before it; 0 drops
        none. Return what was dropped.

        The database's clock decides. Keys and sums stay. Raise NotAuthorized.
        """
        db = self._gate.open(Action.DELETE, USAGE)
        dropped: list[str] = []
        postponed: str | None = None
        tries = TRIES if kept_months else 0
        while tries:
            oldest = db.one(OldestMonth, "drop_oldest_usage_month", kept_months=kept_months)
            if oldest.month is None:
                break
            name = f"{oldest.month:%Y-%m}"
            if oldest.dropped:
                dropped.append(name)
                postponed = None
                continue
            postponed = name
            tries -= 1
            if tries:
                sleep(PAUSE_SECONDS)
        return self._report(ExpiredMonths(dropped=dropped, postponed=postponed), kept_months)

    def _report(self, expired: ExpiredMonths, kept_months: int) -> ExpiredMonths:
        count_expired_usage(dropped=len(expired.dropped), postponed=expired.postponed is not None)
        log = logger().warning if expired.postponed else logger().info
        log(
            "usage expired",
            request_id=self._origin.request_id,
            kept_months=kept_months,
            **expired.model_dump(),
        )
        return expired
