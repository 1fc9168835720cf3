"""The responses about groups and about the caller."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from allowance.access.caller import Membership, TokenInfo
from allowance.budgets.models import GroupBudget
from allowance.contract.fields import Row
from allowance.contract.query import AFTER, WHOLE_NUMBER, Cursor, Printable, Query


class Group(Row):
    """A group, for callers who may read it."""

    id: UUID
    name: str
    organization_id: UUID
    organization_name: str
    budget: GroupBudget | None


class GroupPage(Row):
    """A page of groups, sorted by name.

    `next` is the `after` of the next page, null on the last.
    """

    groups: list[Group]
    next: str | None


class GroupCursor(Cursor):
    """The last group of a page."""

    name: Printable


class GroupQuery(Query):
    """Selects a page of groups."""

    limit: Annotated[int, Field(ge=1, le=1000, description="Groups per page."), WHOLE_NUMBER] = 100
    after: Annotated[GroupCursor | None, AFTER] = None


class Me(Row):
    """The caller. `organizations` are the caller's own, then at most 100 others by name and without
    roles, if the caller may read the groups of all. `more_organizations`: there are others.
    """

    id: UUID
    username: str
    email: str | None
    roles: list[str]
    organizations: list[Membership]
    more_organizations: bool
    token: TokenInfo
