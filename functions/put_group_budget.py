"""PUT /api/v2/groups/{group}/ai/budget: set the spend limit of each member of a group. Zero blocks
all spend.
"""

from uuid import UUID

from allowance.access.store import Store
from allowance.contract.fields import GroupBudget, SpendLimit
from allowance.contract.preconditions import Precondition
from allowance.http.api import Api

app = Api()


@app.put("/api/v2/groups/{group}/ai/budget")
def put_group_budget(
    store: Store, group: UUID, limit: SpendLimit, precondition: Precondition
) -> GroupBudget:
    return store.set_group_budget(group, limit.spend_limit_micros, precondition)


handler = app.handler
