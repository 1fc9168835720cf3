"""The shapes of forecasts. Money is micro-units of US dollars."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field

from allowance.budgets.effective import LimitSource, Period
from allowance.budgets.organization_models import BudgetCursor
from allowance.budgets.terms import Per
from allowance.contract.fields import ExactMicros, Row, Timestamp
from allowance.contract.query import AFTER, WHOLE_NUMBER, Query
from allowance.overview.projection import project


class Forecast(Row):
    """How a period ends. `expected_micros` is what is spent at its end if the days to come are like
    the days so far, and `low_micros` to `high_micros` an 80% interval.

    `exhausted_at` is when the expected spend reaches the limit; null: not within the period. What
    is null besides has too few days, or no period. Calls that hold money count when they settle.
    """

    period_start: Timestamp | None
    period_end: Timestamp | None
    limit_micros: ExactMicros | None
    spent_micros: ExactMicros | None
    reserved_micros: ExactMicros | None
    expected_micros: int | None
    low_micros: int | None
    high_micros: int | None
    exhausted_at: Timestamp | None


class BudgetForecast(Forecast):
    """The forecast of a budget. With `per` member or value each has its own limit, so the budget as
    a whole has no figures. Usage counts between the budget's dates, if it has any.
    """

    budget_id: UUID
    name: str
    per: Per


class BudgetForecasts(Row):
    """Forecasts of budgets in force, by name. `next` is the `after` of the next page, null on the
    last.
    """

    budgets: list[BudgetForecast]
    next: str | None


class AllowanceForecast(Forecast):
    """The forecast of what a user spends in all groups together. `limit_micros` null: no limit."""

    user_id: UUID
    limit_source: LimitSource | None


class GroupForecast(Forecast):
    """The forecast of what is spent for a group. The limit is the sum of its members' limits."""

    group_id: UUID


class ForecastQuery(Query):
    """Selects a page of budgets."""

    limit: Annotated[int, Field(ge=1, le=50, description="Budgets per page."), WHOLE_NUMBER] = 20
    after: Annotated[BudgetCursor | None, AFTER] = None


class DaySum(Row):
    """What was spent on a day."""

    day: date
    micros: ExactMicros


class SpendSoFar(Row):
    """What was spent in a period so far, and by day."""

    period_start: Timestamp | None
    period_end: Timestamp | None
    limit_micros: ExactMicros | None
    spent_micros: ExactMicros | None
    reserved_micros: ExactMicros | None
    days: list[DaySum]

    @property
    def by_day(self) -> Mapping[date, Decimal]:
        """Return the spend by day."""
        return {each.day: each.micros for each in self.days}

    def forecast(self, now: datetime, zone: str, counted: Period | None) -> Forecast:
        """Return how the time that counts ends. None: there is nothing to say."""
        stated = {
            name: getattr(self, name)
            for name in (
                "period_start", "period_end", "limit_micros", "spent_micros", "reserved_micros",
            )
        }  # fmt: skip
        if counted is None or self.spent_micros is None:
            return Forecast(
                **stated, expected_micros=None, low_micros=None, high_micros=None, exhausted_at=None
            )
        ends = project(
            now, counted, ZoneInfo(zone), self.spent_micros, self.limit_micros, self.by_day
        )
        return Forecast(
            **stated,
            expected_micros=None if ends.expected is None else round(ends.expected),
            low_micros=None if ends.low is None else round(ends.low),
            high_micros=None if ends.high is None else round(ends.high),
            exhausted_at=ends.exhausted_at,
        )

    @property
    def period(self) -> Period | None:
        """Return the period, None if it has no start and end."""
        if self.period_start is None or self.period_end is None:
            return None
        return Period(self.period_start, self.period_end)


class BudgetSoFar(SpendSoFar):
    """What was spent of a budget in its current period so far."""

    budget_id: UUID
    name: str
    per: Per
    time_zone: str
    starts_at: Timestamp | None
    ends_at: Timestamp | None

    @property
    def counted(self) -> Period | None:
        """Return the part of the period in which usage counts, None if there is no such part."""
        whole = self.period
        if whole is None:
            return None
        start = max(whole.start, self.starts_at or whole.start)
        end = min(whole.end, self.ends_at or whole.end)
        return Period(start, end) if start < end else None


class AllowanceSoFar(SpendSoFar):
    """What a user spent in the current month so far."""

    limit_source: LimitSource | None
