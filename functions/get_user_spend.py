"""GET /api/v2/users/{user}/ai/spend: what the user spent in the present period, and the budget in
effect.
"""

from allowance.http.api import Api
from allowance.spend.models import UserSpend
from allowance.spend.store import UserSpendStore

app = Api()


@app.get("/api/v2/users/{user}/ai/spend")
def get_user_spend(store: UserSpendStore) -> UserSpend:
    return store.get_user_spend()


handler = app.handler
