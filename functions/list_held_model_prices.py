"""GET /api/v2/ai/model-prices/held: the changes of default prices that wait for an owner."""

from allowance.http.api import Api
from allowance.prices.held import HeldChangeStore
from allowance.prices.models import HeldChangePage, HeldChangeQuery
from allowance.rbac.policy import Action

app = Api()


@app.get("/api/v2/ai/model-prices/held", needs=Action.UPDATE)
def list_held_model_prices(store: HeldChangeStore, query: HeldChangeQuery) -> HeldChangePage:
    return store.list_held(query)


handler = app.handler
