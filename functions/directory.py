"""The directory: get the caller, and the groups that the caller may read."""

from uuid import UUID

from allowance.directory.models import Group, GroupPage, GroupQuery, Me
from allowance.directory.store import CallerDirectoryStore, GroupStore, OrganizationStore
from allowance.http.api import Api

app = Api()


@app.get("/api/v2/users/me")
def get_me(store: CallerDirectoryStore) -> Me:
    """Get the caller, with memberships, roles and the token in use."""
    return store.me()


@app.get("/api/v2/organizations/{organization}/groups")
def list_groups(store: OrganizationStore, query: GroupQuery) -> GroupPage:
    """List the groups of an organization that the caller may read, page by page."""
    return store.list_groups(query)


@app.get("/api/v2/groups/{group}")
def get_group(store: GroupStore, group: UUID) -> Group:
    """Get a group, its organization and its budget."""
    return store.get_group(group)


handler = app.handler
