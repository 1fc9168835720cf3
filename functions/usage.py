"""GET /api/v2/ai/usage/unpriced: list models with usage without a cost, because it has no price."""

from allowance.http.api import Api
from allowance.rbac.policy import Action
from allowance.usage.store import UsageStore
from allowance.usage.unpriced import UnpricedModels, UnpricedQuery

app = Api()


@app.get("/api/v2/ai/usage/unpriced", needs=Action.READ)
def list_unpriced_usage(store: UsageStore, query: UnpricedQuery) -> UnpricedModels:
    return store.list_unpriced(query)


handler = app.handler
