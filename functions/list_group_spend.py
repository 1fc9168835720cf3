"""GET /api/v2/organizations/{organization}/groups/ai/spend: what is attributed to groups that the
caller may read.
"""

from allowance.http.api import Api
from allowance.spend.models import GroupIds, GroupsSpend
from allowance.spend.store import OrganizationSpendStore

app = Api()


@app.get("/api/v2/organizations/{organization}/groups/ai/spend")
def list_group_spend(store: OrganizationSpendStore, query: GroupIds) -> GroupsSpend:
    return store.list_group_spend(query.group_ids)


handler = app.handler
