"""GET /api/v2/ai/model-prices/held: the changes of default prices that wait for an owner."""

from allowance.api import Api
from allowance.model_price_store import ModelPriceStore
from allowance.model_prices import HeldChangePage, HeldChangeQuery
from allowance.rbac.policy import Action

app = Api()


@app.get("/api/v2/ai/model-prices/held", needs=Action.UPDATE)
def list_held_model_prices(store: ModelPriceStore, query: HeldChangeQuery) -> HeldChangePage:
    return store.list_held(query)


handler = app.handler
