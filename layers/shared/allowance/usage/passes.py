"""A pass over the usage of one model: which entries of the ledger it reads next.

A pass goes by quarter of an hour, organization, time and entry. The sums locate the quarters in
which the model was used. A page reads a bounded number of entries, so no statement takes long, and
the pass goes on from the position that the last page stored.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Self

from allowance.access.handle import Handle
from allowance.contract.fields import NIL_UUID, Row
from allowance.prices.cost import Tokens
from allowance.prices.units import OtherUnit
from allowance.usage.reading.formats import UsageFormat

PAGE = 1000
"""Entries of the ledger that one statement reads, of whichever model."""

QUARTERS = 800
"""Quarters of an hour of organizations that one statement reads."""

ONE_HOUR = timedelta(hours=1)


class Position(NamedTuple):
    """A place in the ledger. The next entry of this quarter and organization has a greater time
    and id.
    """

    quarter: datetime
    organization_id: str
    occurred_at: datetime
    entry_id: int

    @classmethod
    def before(cls, quarter: datetime) -> Self:
        """Return the position before the first entry of a quarter."""
        return cls(quarter, str(NIL_UUID), quarter, 0)


class Pass(Row):
    """A pass: the usage of a model from `since` on that was recorded since `recorded_since`, and
    how far it was read. `turn_at` is the current time of the database.
    """

    id: str
    provider: str
    model: str
    since: datetime
    recorded_since: datetime
    unpriced_only: bool
    quarter: datetime | None
    organization_id: str | None
    occurred_at: datetime | None
    entry_id: int | None
    turn_at: datetime

    @property
    def name(self) -> tuple[str, str]:
        """The model as it was sent."""
        return self.provider, self.model

    @property
    def position(self) -> Position:
        """The position to go on from."""
        if (
            self.quarter is None
            or self.organization_id is None
            or self.occurred_at is None
            or self.entry_id is None
        ):
            return Position.before(self.since.replace(minute=0, second=0, microsecond=0))
        return Position(self.quarter, self.organization_id, self.occurred_at, self.entry_id)


class BookedUsage(Row):
    """The entry of a usage, the sums booked for it, and the number of its corrections.

    The sum of costs is None while the usage has no cost. The object is None if it was read whole.
    Money is in 1e-12 USD.
    """

    id: int
    user_id: str
    group_id: str
    organization_id: str
    provider: str
    model: str
    variant: str | None
    provider_name: str | None
    labels: dict[str, str] | None
    occurred_at: datetime
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cache_write_1h_tokens: int
    other_units: dict[OtherUnit, int] | None
    usage_count: int
    unpriced_usage_count: int
    stated_cost_picos: int | None
    usage_format: UsageFormat | None
    usage_object: dict[str, Any] | None
    booked_picos: int | None
    corrections: int

    @property
    def tokens(self) -> Tokens:
        """The tokens booked."""
        return Tokens(
            self.input_tokens,
            self.output_tokens,
            self.cache_read_tokens,
            self.cache_write_tokens,
            self.cache_write_1h_tokens,
        )


class LedgerPage(Row):
    """A page of the ledger: the model's usages in it, and the position of the last entry. The
    position is None if nothing is left.
    """

    quarter: datetime | None
    organization_id: str | None
    occurred_at: datetime | None
    entry_id: int
    is_last: bool
    usages: list[BookedUsage]

    @property
    def position(self) -> Position | None:
        """The position to go on from."""
        if self.quarter is None or self.organization_id is None or self.occurred_at is None:
            return None
        return Position(self.quarter, self.organization_id, self.occurred_at, self.entry_id)


class Month(Row):
    """The first moment of a month of the ledger."""

    starts: datetime

    @property
    def ends(self) -> datetime:
        """The first moment of the next month."""
        return (self.starts + timedelta(days=31)).replace(day=1)


class WaitingPasses(Row):
    """The number of unfinished passes."""

    passes: int


class Place(NamedTuple):
    """Where a page begins: a month, and a position within it."""

    month: Month
    position: Position


def take_pass(db: Handle, failed: list[str]) -> Pass | None:
    """Give a turn to the pass that waits the longest, and return it. None: no pass is left but
    those that failed.
    """
    return db.first(Pass, "take_rating_pass", failed=failed)


def read_page(db: Handle, taken: Pass, place: Place) -> LedgerPage:
    """Return the page of the ledger that begins at a place."""
    return db.one(
        LedgerPage,
        "list_booked_usage",
        provider=taken.provider,
        model=taken.model,
        since=taken.since,
        recorded_since=taken.recorded_since,
        unpriced_only=taken.unpriced_only,
        month_starts=place.month.starts,
        month_ends=place.month.ends,
        after_quarter=place.position.quarter,
        after_organization=place.position.organization_id,
        after_moment=place.position.occurred_at,
        after_entry=place.position.entry_id,
        quarters=QUARTERS,
        limit=PAGE,
    )


def months_from(db: Handle, position: Position) -> Iterator[Place]:
    """Yield where to begin in each month of the ledger that a pass has not read yet."""
    for month in db.many(Month, "list_usage_months"):
        if month.ends > position.quarter:
            begins = Position.before(month.starts)
            yield Place(month, max(begins, position))


def move(db: Handle, taken: Pass, position: Position) -> bool:
    """Store the position of a pass. Return False if it ended, or if another run is further."""
    moved = db.run(
        "move_rating_pass",
        provider=taken.provider,
        model=taken.model,
        pass_id=taken.id,
        quarter=position.quarter,
        organization_id=position.organization_id,
        occurred_at=position.occurred_at,
        entry_id=position.entry_id,
    )
    return bool(moved)


def finish(db: Handle, taken: Pass) -> None:
    """End a pass. If another one was requested meanwhile, it begins."""
    db.run("finish_rating_pass", provider=taken.provider, model=taken.model, pass_id=taken.id)


def count_unfinished(db: Handle) -> int:
    """Return the number of unfinished passes, each of one model."""
    return db.one(WaitingPasses, "count_rating_passes").passes
