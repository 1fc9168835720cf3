"""POST /api/experimental/ai/model-prices: store custom model prices, all or none."""

from allowance.api import Api
from allowance.model_price_store import ModelPriceStore
from allowance.price_book import CustomPrices
from allowance.rbac.policy import Action

app = Api()


@app.post("/api/experimental/ai/model-prices", needs=Action.UPDATE)
def set_model_prices_experimental(store: ModelPriceStore, prices: CustomPrices) -> None:
    store.set_prices(prices)


handler = app.handler
