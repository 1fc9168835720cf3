"""GET /api/v2/groups/{group}/ai/budget: get the spend limit of each member of a group."""

from uuid import UUID

from allowance.budgets.groups import GroupBudgetStore
from allowance.budgets.models import GroupBudget
from allowance.http.api import Api

app = Api()


@app.get("/api/v2/groups/{group}/ai/budget")
def get_group_budget(store: GroupBudgetStore, group: UUID) -> GroupBudget:
    return store.get(group)


handler = app.handler
