"""The files of ExportSpend: which are to be written, and their charges.

A file is one organization's month. It is due until a run has written it after the end of the month,
and again when a late usage or a correction changes its sums: the statement that changes them counts
the change. A run claims a file, reads the count, reads the sums, writes the file, and marks it with
the count that it read. So a run that ends before its mark leads to another write, never to a missed
one.
"""

from collections.abc import Generator, Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from allowance.access.store import Store
from allowance.budgets.effective import Period, period_containing
from allowance.contract.fields import Row
from allowance.exports.charges import Charge, ChargePosition
from allowance.exports.store import charges_in
from allowance.rbac.policy import SPEND_EXPORTS, Action, group_members_object

PAGE = 10_000
CLAIMED = 20
"""Few, because the other files of a run that was killed wait for the end of the lease."""

LEASE_SECONDS = 960
"""Longer than the timeout of the function, so that no two runs write one file."""


class ExportState(Row):
    """The time of the database's clock, and the latest month of which a run began to write a file.

    None: nothing was exported yet.
    """

    now: datetime
    last_month: date | None


class DueFile(Row):
    """A file that this run has claimed: an organization, and the first day of a month.

    Usage outside of any organization has NIL_UUID. `changes` are those that its sums include at
    least. `attempted_at` is the time of this claim, `before` the time of the last one.
    """

    organization_id: UUID
    month: date
    changes: int
    leased_until: datetime
    attempted_at: datetime
    before: datetime | None

    @property
    def period(self) -> Period:
        return period_containing(datetime(self.month.year, self.month.month, 1, tzinfo=UTC))


class FilesLeft(Row):
    """The number of files that are left for the next run."""

    files: int


class ExportSource(Store):
    """The files and the charges of every organization, deleted ones too, for a system actor.

    Each method raises NotAuthorized.
    """

    def start(self, requested: Period | None) -> datetime:
        """Find the files to write, and return the time at which the run starts.

        They are those of the current month, of the month before, and of months since the last run.
        Changed files are known already. The files of a requested month become due again.
        """
        db = self._gate.open(Action.UPDATE, SPEND_EXPORTS)
        state = db.one(ExportState, "get_export_state")
        for each in [*_months(state), *([requested] if requested else [])]:
            db.run("register_spend_exports", period_start=each.start, period_end=each.end)
        if requested:
            db.run("request_spend_exports", period_start=requested.start)
        return state.now

    def claim(self, started: datetime, months: Period) -> list[DueFile]:
        """Claim the files of some months that waited longest, at most CLAIMED, none twice in a run.

        An empty list: no file of the months is left for this run.
        """
        return self._gate.open(Action.UPDATE, SPEND_EXPORTS).many(
            DueFile,
            "claim_spend_exports",
            started=started,
            period_start=months.start,
            period_end=months.end,
            limit=CLAIMED,
            lease_seconds=LEASE_SECONDS,
        )

    def list_charges(
        self, organization_id: UUID, period: Period, after: ChargePosition | None
    ) -> list[Charge]:
        """Return the charges of a page of an organization's usage in a period, in their order.

        The page after the last is empty.
        """
        db = self._gate.open(Action.READ, group_members_object(organization_id))
        return charges_in(db, organization_id, period, after, PAGE)

    def mark(self, file: DueFile) -> None:
        """Record that the file is written."""
        self._gate.open(Action.UPDATE, SPEND_EXPORTS).run(
            "mark_spend_export",
            organization_id=file.organization_id,
            month=file.month,
            changes=file.changes,
            leased_until=file.leased_until,
        )

    def fail(self, file: DueFile) -> None:
        """Leave a file that could not be written to the next run, behind those that wait longer."""
        self._release(file, file.attempted_at)

    def release(self, files: Sequence[DueFile]) -> None:
        """Leave files that were not begun to the next run, in their place in the order."""
        for each in files:
            self._release(each, each.before)

    def count_left(self, started: datetime, months: Period) -> int:
        """Return how many files of some months are to be written, and were not tried in this run.
        A run at the same time may have claimed them.
        """
        return (
            self._gate.open(Action.UPDATE, SPEND_EXPORTS)
            .one(
                FilesLeft,
                "count_spend_exports_left",
                started=started,
                period_start=months.start,
                period_end=months.end,
            )
            .files
        )

    def _release(self, file: DueFile, attempted_at: datetime | None) -> None:
        self._gate.open(Action.UPDATE, SPEND_EXPORTS).run(
            "release_spend_export",
            organization_id=file.organization_id,
            month=file.month,
            attempted_at=attempted_at,
            leased_until=file.leased_until,
        )


def _months(state: ExportState) -> Generator[Period]:
    """Return the months in which a file may be missing, the earliest first.

    Two months at least: a statement that began in the last month may end in this one. If a run ends
    half-way, the next one begins with the same month.
    """
    current = period_containing(state.now)
    last = min(state.last_month or current.start.date(), current.start.date())
    month = period_containing(
        current.start.replace(year=last.year, month=last.month) - timedelta(days=1)
    )
    while month.start <= current.start:
        yield month
        month = period_containing(month.end)
