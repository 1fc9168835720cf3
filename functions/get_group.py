"""GET /api/v2/groups/{group}: a group, its organization and its budget."""

from uuid import UUID

from allowance.api import Api
from allowance.models import Group
from allowance.store import Store

app = Api()


@app.get("/api/v2/groups/{group}")
def get_group(store: Store, group: UUID) -> Group:
    return store.get_group(group)


handler = app.handler
