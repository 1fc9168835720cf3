"""GET /api/experimental/ai/model-prices: the model prices in effect, all at once."""

from allowance.http.api import Api
from allowance.prices.models import ModelPriceFilter, ModelPriceVersion
from allowance.prices.store import ModelPriceStore
from allowance.rbac.policy import Action

app = Api()


@app.get("/api/experimental/ai/model-prices", needs=Action.READ)
def list_model_prices_experimental(
    store: ModelPriceStore, query: ModelPriceFilter
) -> list[ModelPriceVersion]:
    return store.list_all_prices(query)


handler = app.handler
