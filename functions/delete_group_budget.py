"""DELETE /api/v2/groups/{group}/ai/budget: enforce no budget on the members of a group any more."""

from uuid import UUID

from allowance.budgets.groups import GroupBudgetStore
from allowance.contract.preconditions import Precondition
from allowance.http.api import Api

app = Api()


@app.delete("/api/v2/groups/{group}/ai/budget")
def delete_group_budget(store: GroupBudgetStore, group: UUID, precondition: Precondition) -> None:
    store.delete(group, precondition)


handler = app.handler
