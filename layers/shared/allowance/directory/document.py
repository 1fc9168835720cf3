"""The entries of a directory document: organizations, users, memberships and tokens. `reading`
validates a document of them, and `resolve` compares it with the database.

A key that is absent leaves its part unchanged. A key that is present sets its part to exactly that
state.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field

from allowance.access.scopes import ScopeDocument
from allowance.contract.fields import USERNAME_FORM, UUID_FORM, Body, Moment, Name, moment_of
from allowance.rbac.policy import ResourceType
from allowance.rbac.roles import ORGANIZATION_ROLES, SITE_ROLES
from allowance.rbac.system import SYSTEM_ACTORS

EVERYONE = "Everyone"
SYSTEM_NAMES = frozenset(actor.name for actor in SYSTEM_ACTORS)

UserStatus = Literal["active", "suspended", "deleted"]

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def _one_of(roles: Mapping[str, object]) -> AfterValidator:
    def known(name: str) -> str:
        if name not in roles:
            raise ValueError(f'unknown role "{name}"')
        return name

    return AfterValidator(known)


def _username(name: str) -> str:
    if name in SYSTEM_NAMES:
        raise ValueError(f'"{name}" is the name of a system actor in the audit log')
    if not USERNAME_FORM.fullmatch(name) or name == "me" or UUID_FORM.fullmatch(name):
        raise ValueError(f'"{name}" is no username: a-z, 0-9 and -, at most 64, not "me", no UUID')
    return name


def _organization_name(name: str) -> str:
    if UUID_FORM.fullmatch(name) or "/" in name:
        raise ValueError("must be no UUID and have no slash")
    return name


def _group_name(name: str) -> str:
    if name.casefold() == EVERYONE.casefold():
        raise ValueError(
            f'"{name}" is a reserved group name: every organization has the group {EVERYONE}'
        )
    if "/" in name:
        raise ValueError("must have no slash")
    return name


def _group_key(key: str) -> str:
    organization, _, group = key.partition("/")
    if not organization or not group or "/" in group:
        raise ValueError("must be an organization and a group of it, like acme/platform")
    return key


def _email(address: str) -> str:
    if not _EMAIL.fullmatch(address):
        raise ValueError("is no e-mail address")
    return address


def _rfc3339(value: object) -> object:
    if value is not None and moment_of(value) is None:
        raise ValueError("must be an RFC 3339 time with its offset, such as 2027-01-31T00:00:00Z")
    return value


Username = Annotated[str, AfterValidator(_username)]
OrganizationName = Annotated[Name, AfterValidator(_organization_name)]
GroupName = Annotated[Name, AfterValidator(_group_name)]
GroupKey = Annotated[str, AfterValidator(_group_key)]
Email = Annotated[Name, AfterValidator(_email)]


class OrganizationEntry(Body):
    """An organization. `groups` lists all of its groups except Everyone. `deleted` deletes it if it
    exists.
    """

    name: OrganizationName
    is_default: bool = False
    groups: list[GroupName] = []
    deleted: bool = False


class MembershipEntry(Body):
    """A user's membership of an organization: roles, and groups of that organization."""

    name: OrganizationName
    roles: list[Annotated[str, _one_of(ORGANIZATION_ROLES)]] = []
    groups: list[GroupName] = []


MAX_ORGANIZATIONS_OF_USER = 4_000
"""`GET /api/v2/users/me` returns all, and a response has at most 6 MB."""


class UserEntry(Body):
    """A user, and all organizations of the user. A deleted user has no roles and organizations,
    whatever the entry lists. Calls that name no group count for the primary one.
    """

    username: Username
    email: Email | None = None
    roles: list[Annotated[str, _one_of(SITE_ROLES)]] = []
    status: UserStatus = "active"
    organizations: Annotated[
        list[MembershipEntry], Field(max_length=MAX_ORGANIZATIONS_OF_USER)
    ] = []
    primary_group: GroupKey | None = None

    @property
    def row_count(self) -> int:
        """Return about how many rows the entry writes, or deletes without naming them."""
        return 4 + sum(1 + len(each.groups) for each in self.organizations)


class TokenEntry(Body):
    """A token by name. Of an existing token only `revoked` is applied."""

    username: Username
    name: Name
    expires_at: Annotated[Moment | None, BeforeValidator(_rfc3339)] = None
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
