"""GET /api/v2/groups/{group}/ai/budget: the spend limit of each member of a group."""

from uuid import UUID

from allowance.access.store import Store
from allowance.contract.fields import GroupBudget
from allowance.http.api import Api

app = Api()


@app.get("/api/v2/groups/{group}/ai/budget")
def get_group_budget(store: Store, group: UUID) -> GroupBudget:
    return store.get_group_budget(group)


handler = app.handler
