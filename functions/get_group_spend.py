"""GET /api/v2/groups/{group}/ai/spend: what is attributed to the group in the present period."""

from uuid import UUID

from allowance.http.api import Api
from allowance.spend.models import GroupSpend
from allowance.spend.store import GroupSpendStore

app = Api()


@app.get("/api/v2/groups/{group}/ai/spend")
def get_group_spend(store: GroupSpendStore, group: UUID) -> GroupSpend:
    return store.get_group_spend(group)


handler = app.handler
