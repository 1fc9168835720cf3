"""GET /api/v2/groups/{group}: a group, its organization and its budget."""

from uuid import UUID

from allowance.directory.models import Group
from allowance.directory.store import GroupStore
from allowance.http.api import Api

app = Api()


@app.get("/api/v2/groups/{group}")
def get_group(store: GroupStore, group: UUID) -> Group:
    return store.get_group(group)


handler = app.handler
