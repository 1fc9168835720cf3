"""GET /api/v2/organizations/{organization}/groups: the groups of an organization that the caller
may read.
"""

from allowance.directory.models import Group
from allowance.directory.store import OrganizationStore
from allowance.http.api import Api

app = Api()


@app.get("/api/v2/organizations/{organization}/groups")
def list_groups(store: OrganizationStore) -> list[Group]:
    return store.list_groups()


handler = app.handler
