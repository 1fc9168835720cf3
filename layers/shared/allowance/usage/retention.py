"""ExpireUsage's writes: drop the old months of the ledger and of reservations, tidy what is held,
and delete old alerts and refusals. Each month is a transaction of its own.

Dropping a month locks the whole ledger, and writers queue behind a session that waits for the lock.
So the database gives up after 100 ms, and the job retries after PAUSE_SECONDS. A late record
recreates the month that it belongs to; a run drops each month at most once, and leaves a recreated
month to the next run.
"""

from datetime import date
from time import sleep

from allowance.access.handle import Handle
from allowance.access.store import Store
from allowance.contract.fields import Row
from allowance.log import logger
from allowance.metrics import count_expired_usage
from allowance.rbac.policy import USAGE, Action

TRIES = 20
"""Failed attempts per run, over all months. Months that are read for longer than that stay until
the next run.
"""

PAUSE_SECONDS = 1.0


TIDIED_AT_ONCE = 1000
"""Users whose expired holds are taken off in one transaction, and rows of alerts that go in one."""


class ReservationMonth(Row):
    """The first day of a month of reservations that was dropped. None: no month is old enough."""

    month: date | None


class Tidied(Row):
    """The numbers of users and of counters whose expired holds were taken off."""

    users: int
    counters: int


class TidiedAlerts(Row):
    """How many alerts, rows of what was alerted last, and counts of refusals were deleted."""

    alerts: int
    states: int
    refusals: int


class OldestMonth(Row):
    """The first day of the oldest month to drop, and whether this run dropped it. None: no month.

    Not dropped: the month was in use, or another run dropped it.
    """

    month: date | None
    dropped: bool | None


class ExpiredMonths(Row):
    """The dropped months, as `2025-09`, and the months in use that are left for the next run."""

    dropped: list[str]
    postponed: list[str]


class UsageExpirer(Store):
    """Retention of the ledger, by a system actor."""

    def expire(self, kept_months: int) -> ExpiredMonths:
        """Drop all months but the current one and `kept_months` whole months before it; 0 drops
        none. Return what was dropped.

        The database's clock decides. Keys and sums stay. A month in use holds up no other month.
        Reservations and alerts have a retention of their own. Raise NotAuthorized.
        """
        db = self._gate.open(Action.DELETE, USAGE)
        self._expire_reservations(db)
        self._tidy_alerts(db)
        dropped: list[date] = []
        passed_over: list[date] = []
        postponed: set[date] = set()
        tries = TRIES if kept_months else 0
        while tries:
            oldest = db.one(
                OldestMonth,
                "drop_oldest_usage_month",
                kept_months=kept_months,
                handled=[*dropped, *passed_over],
            )
            if oldest.month is None:
                postponed.intersection_update(passed_over)
                if not postponed:
                    break
                passed_over = []
            elif oldest.dropped:
                dropped.append(oldest.month)
                postponed.discard(oldest.month)
            else:
                passed_over.append(oldest.month)
                postponed.add(oldest.month)
                tries -= 1
                if tries:
                    sleep(PAUSE_SECONDS)
        expired = ExpiredMonths(
            dropped=[f"{each:%Y-%m}" for each in dropped],
            postponed=[f"{each:%Y-%m}" for each in sorted(postponed)],
        )
        return self._report(expired, kept_months)

    def _expire_reservations(self, db: Handle) -> None:
        """Create the next month, drop the old ones, and take expired holds off."""
        db.run("ensure_reservation_month")
        dropped: list[str] = []
        while oldest := db.one(ReservationMonth, "drop_oldest_reservation_month").month:
            dropped.append(f"{oldest:%Y-%m}")
        users = counters = 0
        more = True
        while more:
            tidied = db.one(Tidied, "tidy_reservations", limit=TIDIED_AT_ONCE)
            users += tidied.users
            counters += tidied.counters
            more = TIDIED_AT_ONCE in (tidied.users, tidied.counters)
        logger().info(
            "reservations expired",
            request_id=self._origin.request_id,
            dropped=dropped,
            tidied_users=users,
            tidied_counters=counters,
        )

    def _tidy_alerts(self, db: Handle) -> None:
        """Delete old alerts and refusals, and what was alerted last in periods that are over."""
        alerts = states = refusals = 0
        more = True
        while more:
            tidied = db.one(TidiedAlerts, "tidy_alerts", limit=TIDIED_AT_ONCE)
            alerts += tidied.alerts
            states += tidied.states
            refusals += tidied.refusals
            more = TIDIED_AT_ONCE in (tidied.alerts, tidied.states, tidied.refusals)
        logger().info(
            "alerts expired",
            request_id=self._origin.request_id,
            alerts=alerts,
            states=states,
            refusals=refusals,
        )

    def _report(self, expired: ExpiredMonths, kept_months: int) -> ExpiredMonths:
        count_expired_usage(dropped=len(expired.dropped), postponed=len(expired.postponed))
        log = logger().warning if expired.postponed else logger().info
        log(
            "usage expired",
            request_id=self._origin.request_id,
            kept_months=kept_months,
            **expired.model_dump(),
        )
        return expired
