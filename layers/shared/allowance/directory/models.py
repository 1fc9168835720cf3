"""The responses about groups and about the caller."""

from uuid import UUID

from allowance.access.caller import Membership, TokenInfo
from allowance.budgets.models import GroupBudget
from allowance.contract.fields import Row


class Group(Row):
    """A group, for callers who may read it."""

    id: UUID
    name: str
    organization_id: UUID
    organization_name: str
    budget: GroupBudget | None


class Me(Row):
    """The caller."""

    id: UUID
    username: str
    email: str | None
    roles: list[str]
    organizations: list[Membership]
    token: TokenInfo
