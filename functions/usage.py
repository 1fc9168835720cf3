"""GET /api/v2/ai/usage/unpriced and /cost-differences: list models whose usage has no cost, or one
that differs from what its records state.
"""

from allowance.http.api import Api
from allowance.rbac.policy import Action
from allowance.usage.differences import CostDifferences, DifferenceQuery
from allowance.usage.store import UsageStore
from allowance.usage.unpriced import UnpricedModels, UnpricedQuery

app = Api()


@app.get("/api/v2/ai/usage/unpriced", needs=Action.READ)
def list_unpriced_usage(store: UsageStore, query: UnpricedQuery) -> UnpricedModels:
    return store.list_unpriced(query)


@app.get("/api/v2/ai/usage/cost-differences", needs=Action.READ)
def list_cost_differences(store: UsageStore, query: DifferenceQuery) -> CostDifferences:
    return store.list_cost_differences(query)


handler = app.handler
