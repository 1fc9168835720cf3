"""GET /api/v2/groups/{group}/ai/budget: get the spend limit of each member of a group."""

from uuid import UUID

from allowance.budgets.groups import GroupBudgetStore
from allowance.budgets.models import GroupBudget
from allowance.http.api import Api

PATH = "/api/v2/groups/{group}/ai/budget"
NAMED_PATH = "/api/v2/organizations/{organization}/groups/{group}/ai/budget"

app = Api()


@app.get(PATH, NAMED_PATH)
def get_group_budget(store: GroupBudgetStore, group: UUID) -> GroupBudget:
    return store.get(group)


handler = app.handler
