"""The accounts of the stores of the overview and the forecasts."""

from allowance.overview.forecast import (
    BudgetForecastStore,
    GroupForecastStore,
    UserForecastStore,
)
from allowance.overview.forecast_models import ForecastQuery
from allowance.overview.store import OverviewStore
from tests.accounting import Account, platform

OVERVIEW_ACCOUNTS: dict[tuple[type, str], Account] = {
    (OverviewStore, "get"): Account(["read group Everyone"], lambda s, _: s.get()),
    (BudgetForecastStore, "list_forecasts"): Account(
        ["read group Everyone"], lambda s, _: s.list_forecasts(ForecastQuery())
    ),
    (GroupForecastStore, "get_forecast"): Account(
        ["read group platform"], lambda s, a: s.get_forecast(platform(a))
    ),
    (UserForecastStore, "get_forecast"): Account(["read user maya"], lambda s, _: s.get_forecast()),
}
