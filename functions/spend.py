"""Spend of the current period: of a user, a group, the groups of an organization, and members."""

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

app = Api()


@app.get("/api/v2/users/{user}/ai/spend")
def get_user_spend(store: UserSpendStore) -> UserSpend:
    """What the user spent in the present period, and the budget in effect."""
    return store.get_user_spend()


@app.get("/api/v2/groups/{group}/ai/spend")
def get_group_spend(store: GroupSpendStore, group: UUID) -> GroupSpend:
    """What is attributed to the group in the present period."""
    return store.get_group_spend(group)


@app.get("/api/v2/organizations/{organization}/groups/ai/spend")
def list_group_spend(store: OrganizationSpendStore, query: GroupIds) -> GroupsSpend:
    """What is attributed to groups that the caller may read."""
    return store.list_group_spend(query.group_ids)


@app.get("/api/v2/groups/{group}/members/ai/spend")
def list_member_spend(store: GroupSpendStore, group: UUID, query: UserIds) -> GroupMembersSpend:
    """What members of the group spent for it."""
    return store.list_member_spend(group, query.user_ids)


handler = app.handler
