"""The overview of an organization, and forecasts: of its budgets, of a group, of a user."""

from uuid import UUID

from allowance.http.api import Api
from allowance.overview.forecast import (
    BudgetForecastStore,
    GroupForecastStore,
    UserForecastStore,
)
from allowance.overview.forecast_models import (
    AllowanceForecast,
    BudgetForecasts,
    ForecastQuery,
    GroupForecast,
)
from allowance.overview.models import Overview
from allowance.overview.store import OverviewStore

app = Api()


@app.get("/api/v2/organizations/{organization}/ai/overview")
def get_overview(store: OverviewStore) -> Overview:
    """Get what a first page shows of an organization in the current month, as far as you may read
    it: groups, budgets, members near their limits, the spend by day, model and user, and changes.
    """
    return store.get()


@app.get("/api/v2/organizations/{organization}/ai/forecast")
def list_budget_forecasts(store: BudgetForecastStore, query: ForecastQuery) -> BudgetForecasts:
    """List how the current periods of the budgets of an organization end, page by page."""
    return store.list_forecasts(query)


@app.get(
    "/api/v2/groups/{group}/ai/forecast",
    "/api/v2/organizations/{organization}/groups/{group}/ai/forecast",
)
def get_group_forecast(store: GroupForecastStore, group: UUID) -> GroupForecast:
    """Get how much is spent for the group at the end of the month, if it goes on so."""
    return store.get_forecast(group)


@app.get("/api/v2/users/{user}/ai/forecast")
def get_user_forecast(store: UserForecastStore) -> AllowanceForecast:
    """Get how much the user has spent at the end of the month, if it goes on so."""
    return store.get_forecast()


handler = app.handler
