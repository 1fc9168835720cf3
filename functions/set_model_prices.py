"""POST /api/v2/ai/model-prices: store custom model prices, all or none."""

from allowance.http.api import Api
from allowance.prices.book import CustomPrices
from allowance.prices.store import ModelPriceStore
from allowance.rbac.policy import Action

app = Api()


@app.post("/api/v2/ai/model-prices", needs=Action.UPDATE)
def set_model_prices(store: ModelPriceStore, prices: CustomPrices) -> None:
    store.set_prices(prices)


handler = app.handler
