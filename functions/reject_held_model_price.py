"""POST /api/v2/ai/model-prices/held/{held}/reject: leave the price as it is, in spite of a held
change.
"""

from uuid import UUID

from allowance.http.api import Api
from allowance.prices.held import HeldChangeStore
from allowance.rbac.policy import Action

app = Api()


@app.post("/api/v2/ai/model-prices/held/{held}/reject", needs=Action.UPDATE)
def reject_held_model_price(store: HeldChangeStore, held: UUID) -> None:
    store.decide(held, "rejected")


handler = app.handler
