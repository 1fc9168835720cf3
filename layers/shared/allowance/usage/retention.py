"""ExpireUsage's writes: months of the ledger that are old enough are dropped, each in a transaction
of its own.

Whoever writes usage queues behind who waits for a lock of the whole ledger, so nobody does so for
longer than a moment: the database gives up after 100 ms, and it is tried again a little later.
"""

from datetime import date
from time import sleep

from allowance.access.store import Store
from allowance.contract.fields import Row
from allowance.log import logger
from allowance.metrics import count_expired_usage
from allowance.rbac.policy import USAGE, Action

TRIES = 20
"""In a run, that is: what reads for as long as this is left alone until the next one."""

PAUSE_SECONDS = 1.0


class OldestMonth(Row):
    """The oldest month that may be dropped, by its first day, and whether it was; None: there is
    none.
    """

    month: date | None
    dropped: bool | None


class ExpiredMonths(Row):
    """The months that were dropped, as `2025-09`, and the one that could not be and is left for the
    next run.
    """

    dropped: list[str]
    postponed: str | None


class UsageExpirer(Store):
    """The ledger, as a system actor may shorten it."""

    def expire(self, kept_months: int) -> ExpiredMonths:
        """Drop the months before the last so many whole ones, by the clock of the database; 0 drops
        none.

        Keys and sums stay. Raises NotAuthorized.
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
        return self._told(ExpiredMonths(dropped=dropped, postponed=postponed), kept_months)

    def _told(self, expired: ExpiredMonths, kept_months: int) -> ExpiredMonths:
        count_expired_usage(dropped=len(expired.dropped), postponed=expired.postponed is not None)
        tell = logger().warning if expired.postponed else logger().info
        tell(
            "usage expired",
            request_id=self._origin.request_id,
            kept_months=kept_months,
            **expired.model_dump(),
        )
        return expired
