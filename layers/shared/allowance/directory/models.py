"""Groups, and the caller as the caller sees it."""

from uuid import UUID

from allowance.access.caller import Membership, TokenInfo
from allowance.budgets.models import GroupBudget
from allowance.contract.fields import Row


class Group(Row):
    """A group as those who may read it see it."""

    id: UUID
    name: str
    organization_id: UUID
    organization_name: str
    budget: GroupBudget | None


class Me(Row):
    """Who the caller is."""

    id: UUID
    username: str
    email: str | None
    roles: list[str]
    organizations: list[Membership]
    token: TokenInfo
