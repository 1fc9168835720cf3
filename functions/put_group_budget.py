"""PUT /api/v2/groups/{group}/ai/budget: set the spend limit of each member of a group. Zero blocks all spend."""

from uuid import UUID

from allowance.api import Api
from allowance.models import GroupBudget, SpendLimit
from allowance.precondition import Precondition
from allowance.store import Store

app = Api()


@app.put("/api/v2/groups/{group}/ai/budget")
def put_group_budget(store: Store, group: UUID, limit: SpendLimit, precondition: Precondition) -> GroupBudget:
    return store.set_group_budget(group, limit.spend_limit_micros, precondition)


handler = app.handler
