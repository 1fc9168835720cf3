"""Spend in the current period: of a user, a group, an organization's groups, a group's members."""

from uuid import UUID

from allowance.http.api import Api
from allowance.spend.models import (
    GroupIds,
    GroupMembersSpend,
    GroupSpend,
    GroupsSpend,
    UserIds,
    UserSpend,
)
from allowance.spend.store import GroupSpendStore, OrganizationSpendStore, UserSpendStore

GROUP = "/api/v2/groups/{group}"
NAMED_GROUP = "/api/v2/organizations/{organization}/groups/{group}"

app = Api()


@app.get("/api/v2/users/{user}/ai/spend")
def get_user_spend(store: UserSpendStore) -> UserSpend:
    """Get what the user spent in the current period, and the budget in effect."""
    return store.get_user_spend()


@app.get(f"{GROUP}/ai/spend", f"{NAMED_GROUP}/ai/spend")
def get_group_spend(store: GroupSpendStore, group: UUID) -> GroupSpend:
    """Get the spend attributed to the group in the current period."""
    return store.get_group_spend(group)


@app.get("/api/v2/organizations/{organization}/groups/ai/spend")
def list_group_spend(store: OrganizationSpendStore, query: GroupIds) -> GroupsSpend:
    """List the spend attributed to groups that the caller may read."""
    return store.list_group_spend(query.group_ids)


@app.get(f"{GROUP}/members/ai/spend", f"{NAMED_GROUP}/members/ai/spend")
def list_member_spend(store: GroupSpendStore, group: UUID, query: UserIds) -> GroupMembersSpend:
    """List what members of the group spent for it."""
    return store.list_member_spend(group, query.user_ids)


handler = app.handler
