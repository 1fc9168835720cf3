"""GET /api/v2/groups/{group}/members/ai/spend: what members of the group spent for it."""

from uuid import UUID

from allowance.http.api import Api
from allowance.spend.models import GroupMembersSpend, UserIds
from allowance.spend.store import GroupSpendStore

app = Api()


@app.get("/api/v2/groups/{group}/members/ai/spend")
def list_member_spend(store: GroupSpendStore, group: UUID, query: UserIds) -> GroupMembersSpend:
    return store.list_member_spend(group, query.user_ids)


handler = app.handler
