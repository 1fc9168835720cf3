"""The period of a report, as whole UTC days and the parts of days before and after them. Pure."""

from collections.abc import Generator, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from allowance.budgets.effective import period_containing
from allowance.errors import InvalidQuery, Problem

MAX_PERIOD = timedelta(days=31)
FIRST_YEAR, LAST_YEAR = 2020, 2099
"""The ledger has no usage before, and no calendar ends soon after."""

_DAY = timedelta(days=1)
START, END = "period_start", "period_end"


class InvalidPeriod(InvalidQuery):
    """The period of a report is invalid. The message says why, as Coder's API does."""

    def __init__(self, message: str, problems: Iterable[Problem]) -> None:
        super().__init__(problems)
        self.message = message


class ReportPeriod(NamedTuple):
    """A period from `start` (inclusive) to `end` (exclusive)."""

    start: datetime
    end: datetime

    @property
    def days(self) -> tuple[date, date]:
        """The first whole day, and the day after the last one. The same day twice: none."""
        first, last = _midnight_from(self.start), _midnight_to(self.end)
        return first.date(), max(first, last).date()

    @property
    def parts(self) -> list[tuple[datetime, datetime]]:
        """The parts of days before and after the whole days; at most two."""
        return list(self._parts())

    @property
    def parameters(self) -> dict[str, Any]:
        """Return the parameters of a query about the period."""
        first_day, end_day = self.days
        return {
            "first_day": first_day,
            "end_day": end_day,
            "part_starts": [start for start, _ in self.parts],
            "part_ends": [end for _, end in self.parts],
        }

    def _parts(self) -> Generator[tuple[datetime, datetime]]:
        first, last = _midnight_from(self.start), _midnight_to(self.end)
        if last < first:
            yield self.start, self.end
            return
        if self.start < first:
            yield self.start, first
        if last < self.end:
            yield last, self.end


def report_period(start: datetime | None, end: datetime | None, now: datetime) -> ReportPeriod:
    """Return the period from `start` to `end`, or the current month without both.

    Raise InvalidPeriod, in the words of Coder's API.
    """
    if start is None and end is None:
        month = period_containing(now)
        return ReportPeriod(month.start, month.end)
    if start is None or end is None:
        raise InvalidPeriod(
            f'Query parameters "{START}" and "{END}" must be provided together.',
            [Problem(START if start is None else END, "Required.")],
        )
    if start >= end:
        raise InvalidPeriod(
            f'Query parameter "{START}" must be before "{END}".',
            [Problem(START, f"Must be before {END}.")],
        )
    if end - start > MAX_PERIOD:
        raise InvalidPeriod(
            f"Query period must not exceed {MAX_PERIOD.days} days.",
            [Problem(END, f"Must be at most {MAX_PERIOD.days} days after {START}.")],
        )
    for name, each in ((START, start), (END, end)):
        if not FIRST_YEAR <= each.year <= LAST_YEAR:
            raise InvalidPeriod(
                f'Query parameter "{name}" must be from {FIRST_YEAR} to {LAST_YEAR}.',
                [Problem(name, f"Must be from {FIRST_YEAR} to {LAST_YEAR}.")],
            )
    return ReportPeriod(start.astimezone(UTC), end.astimezone(UTC))


def is_midnight(time: datetime) -> bool:
    """Return whether a day in UTC begins at the time."""
    return _midnight_to(time) == time


def _midnight_to(time: datetime) -> datetime:
    """Return the last midnight in UTC that is not after the time."""
    return time.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _midnight_from(time: datetime) -> datetime:
    """Return the first midnight in UTC that is not before the time."""
    before = _midnight_to(time)
    return before if before == time else before + _DAY
