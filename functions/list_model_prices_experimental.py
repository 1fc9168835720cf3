"""GET /api/experimental/ai/model-prices: the model prices in effect, all at once."""

from allowance.api import Api
from allowance.model_price_store import ModelPriceStore
from allowance.model_prices import ModelPriceFilter, ModelPriceVersion
from allowance.rbac.policy import Action

app = Api()


@app.get("/api/experimental/ai/model-prices", needs=Action.READ)
def list_model_prices_experimental(store: ModelPriceStore, query: ModelPriceFilter) -> list[ModelPriceVersion]:
    return store.list_all_prices(query)


handler = app.handler
