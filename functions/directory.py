"""The directory: the caller, and the organizations, groups and people that the caller may read."""

from uuid import UUID

from allowance.directory.models import (
    Group,
    GroupPage,
    GroupQuery,
    Me,
    MemberPage,
    Organization,
    OrganizationQuery,
    PeopleQuery,
    User,
    UserPage,
)
from allowance.directory.people import (
    GroupMemberStore,
    OrganizationMemberStore,
    UserListStore,
    UserStore,
)
from allowance.directory.store import (
    CallerDirectoryStore,
    GroupStore,
    OrganizationListStore,
    OrganizationStore,
)
from allowance.http.api import Api

ORGANIZATION = "/api/v2/organizations/{organization}"

app = Api()


@app.get("/api/v2/users/me")
def get_me(store: CallerDirectoryStore) -> Me:
    """Get the caller, with memberships, roles and the token in use."""
    return store.me()


@app.get("/api/v2/organizations")
def list_organizations(
    store: OrganizationListStore, query: OrganizationQuery
) -> list[Organization]:
    """List the organizations that the caller sees, by name. A full list may have a next one."""
    return store.list_organizations(query)


@app.get(ORGANIZATION)
def get_organization(store: OrganizationStore) -> Organization:
    """Get an organization, by its id or name. `default` is the default one."""
    return store.get_organization()


@app.get(f"{ORGANIZATION}/members")
def list_organization_members(store: OrganizationMemberStore, query: PeopleQuery) -> MemberPage:
    """List the members of an organization that the caller may read, page by page."""
    return store.list_members(query)


@app.get(f"{ORGANIZATION}/groups")
def list_groups(store: OrganizationStore, query: GroupQuery) -> GroupPage:
    """List the groups of an organization that the caller may read, page by page."""
    return store.list_groups(query)


@app.get("/api/v2/groups/{group}", f"{ORGANIZATION}/groups/{{group}}")
def get_group(store: GroupStore, group: UUID) -> Group:
    """Get a group, its organization and its budget."""
    return store.get_group(group)


@app.get("/api/v2/groups/{group}/members", f"{ORGANIZATION}/groups/{{group}}/members")
def list_group_members(store: GroupMemberStore, group: UUID, query: PeopleQuery) -> MemberPage:
    """List the members of a group that the caller may read, page by page."""
    return store.list_members(group, query)


@app.get("/api/v2/users")
def list_users(store: UserListStore, query: PeopleQuery) -> UserPage:
    """List the users that the caller may read, page by page."""
    return store.list_users(query)


@app.get("/api/v2/users/{user}")
def get_user(store: UserStore) -> User:
    """Get a user, with organizations, budget in effect and spend of the current month."""
    return store.get_user()


handler = app.handler
