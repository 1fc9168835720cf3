"""The responses about organizations, groups, people and the caller."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from allowance.access.caller import Membership, TokenInfo
from allowance.budgets.models import GroupBudget
from allowance.contract.fields import MAX_NAME_LENGTH, Micros, Row, Timestamp
from allowance.contract.query import AFTER, WHOLE_NUMBER, Cursor, Printable, Query, Search
from allowance.spend.models import BudgetLimit

MAX_ORGANIZATIONS = 1000


class Organization(Row):
    """An organization, for callers who may read one of its groups.

    Clients of Coder need the fields after `updated_at`. No organization has such texts or roles.
    """

    id: UUID
    name: str
    is_default: bool
    created_at: Timestamp
    updated_at: Timestamp
    display_name: str
    description: Literal[""] = ""
    icon: Literal[""] = ""
    default_org_member_roles: list[str] = []


class OrganizationQuery(Query):
    """Selects organizations after a name."""

    limit: Annotated[
        int,
        Field(ge=1, le=MAX_ORGANIZATIONS, description="Organizations in the response."),
        WHOLE_NUMBER,
    ] = MAX_ORGANIZATIONS
    after: Annotated[
        Printable | None,
        Field(max_length=MAX_NAME_LENGTH, description="The last name of the response before."),
    ] = None


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


class Person(Row):
    """A user, as the directory and the identity provider name it.

    `name` is `display_name`, or empty: clients of Coder need it.
    """

    id: UUID
    username: str
    user_name: str | None
    email: str | None
    display_name: str | None
    name: str
    status: Literal["active", "suspended"]


class User(Person):
    """A user, with the roles outside of organizations and the organizations that the caller sees.

    `current_spend_micros` is the spend of the current month, for all groups together: the figure
    that the limit is compared with. `login_type` is for clients of Coder.
    """

    roles: list[str]
    organization_ids: list[UUID]
    created_at: Timestamp
    updated_at: Timestamp
    effective_budget: BudgetLimit | None
    effective_group_id: UUID | None
    current_spend_micros: Micros
    login_type: Literal["token"] = "token"


class Member(Person):
    """A member of an organization or a group, with the roles in the organization.

    `joined_at` is when the user joined the organization or the group in the path.
    `current_spend_micros` is as in User. It and the budget are null if the budget in effect is of
    another organization. `user_id` is `id`, for clients of Coder.
    """

    user_id: UUID
    organization_id: UUID
    roles: list[str]
    joined_at: Timestamp
    effective_budget: BudgetLimit | None
    effective_group_id: UUID | None
    current_spend_micros: Micros | None


class UserPage(Row):
    """A page of users, sorted by username. `next` is the `after` of the next page, null on the
    last.
    """

    users: list[User]
    next: str | None


class MemberPage(Row):
    """A page of members, sorted by username. `next` is the `after` of the next page, null on the
    last.
    """

    members: list[Member]
    next: str | None


class PersonCursor(Cursor):
    """The last user of a page."""

    username: Printable


class PeopleQuery(Query):
    """Selects a page of users or members."""

    q: Search = None
    limit: Annotated[int, Field(ge=1, le=200, description="People per page."), WHOLE_NUMBER] = 100
    after: Annotated[PersonCursor | None, AFTER] = None
