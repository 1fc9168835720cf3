"""DELETE /api/v2/groups/{group}/ai/budget: enforce no budget on the members of a group any more."""

from uuid import UUID

from allowance.access.store import Store
from allowance.contract.preconditions import Precondition
from allowance.http.api import Api

app = Api()


@app.delete("/api/v2/groups/{group}/ai/budget")
def delete_group_budget(store: Store, group: UUID, precondition: Precondition) -> None:
    store.delete_group_budget(group, precondition)


handler = app.handler
