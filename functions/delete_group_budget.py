"""DELETE /api/v2/groups/{group}/ai/budget: remove the limit of a group's members."""

from uuid import UUID

from allowance.budgets.groups import GroupBudgetStore
from allowance.contract.preconditions import Precondition
from allowance.http.api import Api

PATH = "/api/v2/groups/{group}/ai/budget"
NAMED_PATH = "/api/v2/organizations/{organization}/groups/{group}/ai/budget"

app = Api()


@app.delete(PATH, NAMED_PATH)
def delete_group_budget(store: GroupBudgetStore, group: UUID, precondition: Precondition) -> None:
    store.delete(group, precondition)


handler = app.handler
