"""GET /api/v2/ai/model-prices/resolve: which price counts for a model as a gateway sent it, and
why.
"""

from allowance.http.api import Api
from allowance.prices.models import Resolution, ResolveQuery
from allowance.prices.store import ModelPriceStore
from allowance.rbac.policy import Action

app = Api()


@app.get("/api/v2/ai/model-prices/resolve", needs=Action.READ)
def resolve_model_price(store: ModelPriceStore, query: ResolveQuery) -> Resolution:
    return store.resolve(query)


handler = app.handler
