"""PUT /api/v2/groups/{group}/ai/budget: set the spend limit of each member of a group. Zero blocks
all spend.
"""

from uuid import UUID

from allowance.budgets.groups import GroupBudgetStore
from allowance.budgets.models import GroupBudget, SpendLimit
from allowance.contract.preconditions import Precondition
from allowance.http.api import Api

app = Api()


@app.put("/api/v2/groups/{group}/ai/budget")
def put_group_budget(
    store: GroupBudgetStore, group: UUID, limit: SpendLimit, precondition: Precondition
) -> GroupBudget:
    return store.set(group, limit.spend_limit_micros, precondition)


handler = app.handler
