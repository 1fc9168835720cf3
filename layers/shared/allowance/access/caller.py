"""The caller of a request, and what the path of the request names."""

from typing import Any, Self
from uuid import UUID

from allowance.contract.fields import Row, Timestamp


class GroupReference(Row):
    """A group that a path or a body names."""

    id: UUID
    organization_id: UUID


class OrganizationReference(Row):
    """An organization that a path names."""

    id: UUID
    name: str


class UserReference(Row):
    """A user whom a path names."""

    id: UUID
    username: str


class NamedReference(Row):
    """A group or a user whom a query names by its name."""

    id: UUID
    name: str


class Named(Row):
    """What a request names otherwise than by an id or a username."""

    group: GroupReference | None
    user: UserReference | None
    groups: list[NamedReference]
    users: list[NamedReference]


class Membership(Row):
    """A user's place in an organization, with the roles held there."""

    id: UUID
    name: str
    roles: list[str]


class TokenInfo(Row):
    """The credential in use. `scope` null is everything. The scopes of the tokens that made it must
    allow an action too.
    """

    name: str
    expires_at: Timestamp | None
    scope: dict[str, Any] | None
    maker_scopes: list[dict[str, Any]]


class Caller(Row):
    """The user behind a credential, all that the rule needs, and what the request names.

    `scope_groups` are the groups on the allow-lists of the token and its makers. `now` is the time
    of the database's clock.
    """

    user_id: UUID
    username: str
    email: str | None
    roles: list[str]
    organizations: list[Membership]
    groups: list[UUID]
    token_id: str
    token: TokenInfo
    scope_groups: list[GroupReference]
    group: GroupReference | None
    organization: OrganizationReference | None
    user: UserReference | None
    now: Timestamp
    named_groups: list[NamedReference] = []
    named_users: list[NamedReference] = []

    def with_named(self, named: Named) -> Self:
        """Return the caller with what the request names otherwise. A username comes before the
        user_name of another user.
        """
        return self.model_copy(
            update={
                "group": self.group or named.group,
                "user": self.user or named.user,
                "named_groups": named.groups,
                "named_users": named.users,
            }
        )
