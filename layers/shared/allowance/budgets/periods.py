"""The period of a budget of an organization, in the budget's own time zone. Pure. The SQL function
`ai_budget_period` implements the same rule; a test compares the two.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from allowance.budgets.effective import Period

PeriodUnit = Literal["day", "week", "month", "quarter", "year", "none"]

MONTHS: dict[PeriodUnit, int] = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True, slots=True)
class Calendar:
    """How a budget divides time into periods."""

    unit: PeriodUnit
    time_zone: str = "UTC"
    week_starts: int = 1
    """1 is Monday."""
    year_starts: int = 1
    """The first month of the year, which consists of four quarters."""


def period_of(calendar: Calendar, at: datetime) -> Period | None:
    """Return the period that contains a time. None: the budget has no periods."""
    if calendar.unit == "none":
        return None
    zone = ZoneInfo(calendar.time_zone)
    day = _first_day(calendar, at.astimezone(zone).date())
    # Clocks that go back over midnight show the day before once more.
    while (end := first_time_of(following := _next_day(calendar, day), zone)) <= at:
        day = following
    return Period(first_time_of(day, zone), end)


def first_time_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the first time, in UTC, at which the clocks of a zone show the day or a later one."""
    midnight = datetime.combine(day, time.min, zone)
    first, second = (midnight.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= second:
        return first
    # The clocks go forward over midnight, between the two readings of it.
    before, after = second, first
    if before.astimezone(zone).date() >= day:
        return before
    while after - before > timedelta(microseconds=1):
        between = before + (after - before) / 2
        if between.astimezone(zone).date() < day:
            before = between
        else:
            after = between
    return after


def _first_day(calendar: Calendar, day: date) -> date:
    match calendar.unit:
        case "day":
            return day
        case "week":
            return day - timedelta(days=(day.isoweekday() - calendar.week_starts) % 7)
        case unit:
            return _months_later(
                day.replace(day=1), -((day.month - calendar.year_starts) % MONTHS[unit])
            )


def _next_day(calendar: Calendar, first: date) -> date:
    """Return the first day of the period after the one with this first day."""
    match calendar.unit:
        case "day":
            return first + timedelta(days=1)
        case "week":
            return first + timedelta(days=7)
        case unit:
            return _months_later(first, MONTHS[unit])


def _months_later(first: date, months: int) -> date:
    years, month = divmod(first.month - 1 + months, 12)
    return first.replace(year=first.year + years, month=month + 1)
