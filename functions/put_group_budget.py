"""PUT /api/v2/groups/{group}/ai/budget: limit the spend of each member of a group. 0 blocks it."""

from uuid import UUID

from allowance.budgets.groups import GroupBudgetStore
from allowance.budgets.models import GroupBudget, SpendLimit
from allowance.contract.preconditions import Precondition
from allowance.http.api import Api

PATH = "/api/v2/groups/{group}/ai/budget"
NAMED_PATH = "/api/v2/organizations/{organization}/groups/{group}/ai/budget"

app = Api()


@app.put(PATH, NAMED_PATH)
def put_group_budget(
    store: GroupBudgetStore, group: UUID, limit: SpendLimit, precondition: Precondition
) -> GroupBudget:
    return store.set(group, limit.spend_limit_micros, precondition)


handler = app.handler
