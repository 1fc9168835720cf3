"""The entries of a directory document: organizations, users, memberships and tokens. `reading`
validates a document of them, and `resolve` compares it with the database.

A key that is absent leaves its part unchanged. A key that is present sets its part to exactly that
state.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, TypeAdapter, WrapValidator

from allowance.access.scopes import ScopeDocument
from allowance.contract.fields import UUID_FORM, Body, Name
from allowance.directory.names import (
    Email,
    GroupKey,
    GroupName,
    Id,
    Issuer,
    OrganizationName,
    Time,
    UserName,
    Username,
)
from allowance.rbac.policy import ResourceType
from allowance.rbac.roles import ORGANIZATION_ROLES, SITE_ROLES

UserStatus = Literal["active", "suspended", "deleted"]


def _one_of(roles: Mapping[str, object]) -> AfterValidator:
    def known(name: str) -> str:
        if name not in roles:
            raise ValueError(f'unknown role "{name}": one of {", ".join(roles)}')
        return name

    return AfterValidator(known)


class Identified(Body):
    """An entry that may say which row it means although the name differs."""

    id: Id | None = None
    external_id: Name | None = None

    @property
    def is_matched(self) -> bool:
        """Return whether the entry finds its row by more than the name."""
        return bool(self.model_fields_set & {"id", "external_id", "renamed_from"})


class GroupEntry(Identified):
    """A group of an organization. The name alone stands for an entry with nothing else."""

    name: GroupName
    renamed_from: GroupName | None = None


_group_names: TypeAdapter[str] = TypeAdapter(GroupName)


def _group_entry(value: object, entry: Callable[[object], GroupEntry]) -> GroupEntry:
    # A text is validated as a name, so that the path of a problem does not end in `.name`.
    if isinstance(value, str):
        return GroupEntry(name=_group_names.validate_python(value))
    return entry(value)


class OrganizationEntry(Identified):
    """An organization. `groups` lists all of its groups except Everyone. `deleted` deletes it if it
    exists.
    """

    name: OrganizationName
    renamed_from: OrganizationName | None = None
    is_default: bool = False
    groups: list[
        Annotated[
            GroupEntry, WrapValidator(_group_entry, json_schema_input_type=GroupName | GroupEntry)
        ]
    ] = []
    deleted: bool = False

    @property
    def group_names(self) -> list[str]:
        """Return the names of the groups."""
        return [each.name for each in self.groups]


class MembershipEntry(Body):
    """A user's membership of an organization: roles, and groups of that organization."""

    name: OrganizationName
    roles: list[Annotated[str, _one_of(ORGANIZATION_ROLES)]] = []
    groups: list[GroupName] = []


MAX_ORGANIZATIONS_OF_USER = 4_000
"""`GET /api/v2/users/me` returns all, and a response has at most 6 MB."""


class IdentityEntry(Body):
    """Who the user is for an identity provider."""

    issuer: Issuer
    sub: Name

    @property
    def key(self) -> str:
        """Return a key like `https://idp.example#42`. No issuer has the separator."""
        return f"{self.issuer}#{self.sub}"


class UserEntry(Identified):
    """A user, and all organizations of the user. A deleted user has no roles and organizations,
    whatever the entry lists. Calls that name no group count for the primary one.
    """

    username: Username
    renamed_from: Username | None = None
    user_name: UserName | None = None
    display_name: Name | None = None
    email: Email | None = None
    identities: list[IdentityEntry] = []
    roles: list[Annotated[str, _one_of(SITE_ROLES)]] = []
    status: UserStatus = "active"
    organizations: Annotated[
        list[MembershipEntry], Field(max_length=MAX_ORGANIZATIONS_OF_USER)
    ] = []
    primary_group: GroupKey | None = None

    @property
    def row_count(self) -> int:
        """Return about how many rows the entry writes, or deletes without naming them."""
        memberships = sum(1 + len(each.groups) for each in self.organizations)
        return 4 + len(self.identities) + memberships


class TokenEntry(Body):
    """A token by name. Of an existing token only `revoked` is applied."""

    username: Username
    name: Name
    expires_at: Time | None = None
    scope: ScopeDocument | None = None
    revoked: bool = False

    @property
    def key(self) -> str:
        """Return a key like `adam/laptop`."""
        return f"{self.username}/{self.name}"

    @property
    def row_count(self) -> int:
        """Return how many rows the entry may write: a part of a scope counts like a row."""
        if self.scope is None:
            return 1
        return 1 + len(self.scope.by_org_id) + len(self.scope.allow_list)

    def organization_names(self) -> set[str]:
        """Return the organizations that the scope refers to by name."""
        if self.scope is None:
            return set()
        return {key for key in self.scope.by_org_id if not UUID_FORM.fullmatch(key)} | {
            each.id.partition("/")[0] for each in self.scope.allow_list if "/" in each.id
        }

    def organization_ids(self) -> set[UUID]:
        """Return the organizations that the scope refers to by id."""
        keys = () if self.scope is None else self.scope.by_org_id
        return {UUID(key) for key in keys if UUID_FORM.fullmatch(key)}

    def usernames(self) -> set[str]:
        """Return the user of the token, and the users that its scope refers to."""
        objects = () if self.scope is None else self.scope.allow_list
        return {self.username} | {each.id for each in objects if each.type == ResourceType.USER}
