"""Spend in a period, and over time: of users, groups, organizations, and members of groups."""

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
from allowance.spend.periods import PeriodQuery
from allowance.spend.series import GroupSeriesStore, OrganizationSeriesStore, UserSeriesStore
from allowance.spend.series_models import OrganizationSpendSeries, SpendSeries
from allowance.spend.series_query import (
    GroupSeriesQuery,
    OrganizationSeriesQuery,
    UserSeriesQuery,
)
from allowance.spend.store import GroupSpendStore, OrganizationSpendStore, UserSpendStore

GROUP = "/api/v2/groups/{group}"
NAMED_GROUP = "/api/v2/organizations/{organization}/groups/{group}"

app = Api()


@app.get("/api/v2/users/{user}/ai/spend")
def get_user_spend(store: UserSpendStore, query: PeriodQuery) -> UserSpend:
    """Get what the user spent in the current or another period, and the budget in effect."""
    return store.get_user_spend(query)


@app.get(f"{GROUP}/ai/spend", f"{NAMED_GROUP}/ai/spend")
def get_group_spend(store: GroupSpendStore, group: UUID, query: PeriodQuery) -> GroupSpend:
    """Get the spend attributed to the group in the current or another period."""
    return store.get_group_spend(group, query)


@app.get("/api/v2/organizations/{organization}/groups/ai/spend")
def list_group_spend(store: OrganizationSpendStore, query: GroupIds) -> GroupsSpend:
    """List the spend attributed to groups that the caller may read."""
    return store.list_group_spend(query)


@app.get(f"{GROUP}/members/ai/spend", f"{NAMED_GROUP}/members/ai/spend")
def list_member_spend(store: GroupSpendStore, group: UUID, query: UserIds) -> GroupMembersSpend:
    """List what members of the group spent for it."""
    return store.list_member_spend(group, query)


@app.get("/api/v2/organizations/{organization}/ai/spend/series")
def list_organization_series(
    store: OrganizationSeriesStore, query: OrganizationSeriesQuery
) -> OrganizationSpendSeries:
    """List what the organization spent over time, in a series for each model, group or other key.

    It needs read on the spend of all members.
    """
    return store.list_series(query)


@app.get(f"{GROUP}/ai/spend/series", f"{NAMED_GROUP}/ai/spend/series")
def list_group_series(store: GroupSeriesStore, group: UUID, query: GroupSeriesQuery) -> SpendSeries:
    """List what was spent for the group over time. It needs read on the spend of all members."""
    return store.list_series(group, query)


@app.get("/api/v2/users/{user}/ai/spend/series")
def list_user_series(store: UserSeriesStore, query: UserSeriesQuery) -> SpendSeries:
    """List what the user spent over time, for all groups, by UTC day, week or month."""
    return store.list_series(query)


handler = app.handler
