"""How the current periods of budgets end, as one caller may read it."""

from datetime import datetime, timedelta
from uuid import UUID

from allowance.access.store import GroupPathStore, OrganizationPathStore, UserPathStore
from allowance.budgets.effective import period_containing
from allowance.budgets.organization_models import BudgetCursor
from allowance.overview.forecast_models import (
    AllowanceForecast,
    AllowanceSoFar,
    BudgetForecast,
    BudgetForecasts,
    BudgetSoFar,
    ForecastQuery,
    GroupForecast,
    SpendSoFar,
)
from allowance.overview.projection import DAYS_LOOKED_AT
from allowance.overview.reading import readable
from allowance.rbac.policy import Action


def since(now: datetime) -> datetime:
    """Return a time before the first day that a forecast looks at, in any zone: a midnight in UTC,
    with whole days after it in a zone that is ahead or behind.
    """
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=DAYS_LOOKED_AT + 2)


class BudgetForecastStore(OrganizationPathStore):
    """The forecasts of the budgets of the organization in the path. A refusal is an absence."""

    def list_forecasts(self, query: ForecastQuery) -> BudgetForecasts:
        """Return forecasts of a page of the budgets that the caller may read, by name.

        Raise OrganizationNotFound, NotAuthorized.
        """
        organization, now = self._seen_organization(), self._caller.now
        db, parameters = readable(self._gate, self._caller.user_id, organization.id)
        found = db.many(
            BudgetSoFar,
            "list_budgets_so_far",
            **parameters,
            since=since(now),
            after_name=query.after and query.after.name,
            limit=query.limit,
        )
        page = found[: query.limit]
        return BudgetForecasts(
            budgets=[
                BudgetForecast(
                    **dict(each.forecast(now, each.time_zone, each.counted)),
                    budget_id=each.budget_id,
                    name=each.name,
                    per=each.per,
                )
                for each in page
            ],
            next=str(BudgetCursor(name=page[-1].name)) if len(page) < len(found) else None,
        )


class UserForecastStore(UserPathStore):
    """The forecast of the user in the path."""

    def get_forecast(self) -> AllowanceForecast:
        """Return how the user's month ends. Raise UserNotFound, NotAuthorized."""
        db, now = self._gate.open(Action.READ, self._user()), self._caller.now
        period = period_containing(now)
        found = db.one(
            AllowanceSoFar,
            "get_allowance_so_far",
            user_id=self._user_id(),
            period_start=period.start,
            period_end=period.end,
            since=since(now),
        )
        return AllowanceForecast(
            **dict(found.forecast(now, "UTC", found.period)),
            user_id=self._user_id(),
            limit_source=found.limit_source,
        )


class GroupForecastStore(GroupPathStore):
    """The forecast of the group in the path."""

    def get_forecast(self, group_id: UUID) -> GroupForecast:
        """Return how the month of the group ends. Raise GroupNotFound, NotAuthorized."""
        db, now = self._gate.open(Action.READ, self._group(group_id)), self._caller.now
        period = period_containing(now)
        found = db.one(
            SpendSoFar,
            "get_group_so_far",
            organization_id=self._organization_id(group_id),
            group_id=group_id,
            period_start=period.start,
            period_end=period.end,
            since=since(now),
        )
        return GroupForecast(**dict(found.forecast(now, "UTC", found.period)), group_id=group_id)
