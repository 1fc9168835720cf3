"""GET /api/v2/ai/usage/unpriced: list models with usage without a cost, because it has no price."""

from allowance.http.api import Api
from allowance.usage.store import UsageStore
from allowance.usage.unpriced import UnpricedModels, UnpricedQuery

app = Api()


@app.get("/api/v2/ai/usage/unpriced")
def list_unpriced_usage(store: UsageStore, query: UnpricedQuery) -> UnpricedModels:
    return store.list_unpriced(query)


handler = app.handler
