"""GET /api/v2/ai/model-prices: the model prices in effect at a time, or those of a source, page by
page.
"""

from allowance.http.api import Api
from allowance.prices.models import ModelPricePage, ModelPriceQuery
from allowance.prices.store import ModelPriceStore
from allowance.rbac.policy import Action

app = Api()


@app.get("/api/v2/ai/model-prices", needs=Action.READ)
def list_model_prices(store: ModelPriceStore, query: ModelPriceQuery) -> ModelPricePage:
    return store.list_prices(query)


handler = app.handler
