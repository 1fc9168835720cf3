"""POST /api/v2/ai/model-prices/held/{held}/approve: make a held change the default price."""

from uuid import UUID

from allowance.http.api import Api
from allowance.prices.held import HeldChangeStore
from allowance.rbac.policy import Action

app = Api()


@app.post("/api/v2/ai/model-prices/held/{held}/approve", needs=Action.UPDATE)
def approve_held_model_price(store: HeldChangeStore, held: UUID) -> None:
    store.decide(held, "approved")


handler = app.handler
