"""GET /api/v2/organizations/{organization}/groups: the groups of an organization that the caller
may read.
"""

from allowance.access.store import Store
from allowance.contract.fields import Group
from allowance.http.api import Api

app = Api()


@app.get("/api/v2/organizations/{organization}/groups")
def list_groups(store: Store) -> list[Group]:
    return store.list_groups()


handler = app.handler
