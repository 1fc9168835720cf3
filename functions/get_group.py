"""GET /api/v2/groups/{group}: a group, its organization and its budget."""

from uuid import UUID

from allowance.access.store import Store
from allowance.contract.fields import Group
from allowance.http.api import Api

app = Api()


@app.get("/api/v2/groups/{group}")
def get_group(store: Store, group: UUID) -> Group:
    return store.get_group(group)


handler = app.handler
