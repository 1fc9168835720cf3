"""GET /api/v2/ai/model-prices: the model prices in effect at a time, or those of a source, page by page."""

from allowance.api import Api
from allowance.model_price_store import ModelPriceStore
from allowance.model_prices import ModelPricePage, ModelPriceQuery
from allowance.rbac.policy import Action

app = Api()


@app.get("/api/v2/ai/model-prices", needs=Action.READ)
def list_model_prices(store: ModelPriceStore, query: ModelPriceQuery) -> ModelPricePage:
    return store.list_prices(query)


handler = app.handler
