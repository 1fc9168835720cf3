"""GET /api/v2/organizations/{organization}/groups: the groups of an organization that the caller may read."""

from allowance.api import Api
from allowance.models import Group
from allowance.store import Store

app = Api()


@app.get("/api/v2/organizations/{organization}/groups")
def list_groups(store: Store) -> list[Group]:
    return store.list_groups()


handler = app.handler
