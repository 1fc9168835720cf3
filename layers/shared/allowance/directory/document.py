"""The directory document: users, organizations, memberships and tokens. This module validates a
document by itself; `resolve` compares it with the database.

A key that is absent leaves its part unchanged. A key that is present sets its part to exactly that
state.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, ValidationError

from allowance.access.scopes import ScopeDocument
from allowance.contract.fields import RFC3339, USERNAME_FORM, UUID_FORM, Body, Name
from allowance.contract.validation import as_phrases, problems_of
from allowance.errors import Problem, ValidationFailed
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


def _email(address: str) -> str:
    if not _EMAIL.fullmatch(address):
        raise ValueError("is no e-mail address")
    return address


def _rfc3339(value: object) -> object:
    # pydantic also accepts a date alone, and digits as seconds since 1970.
    if value is not None and not (isinstance(value, str) and RFC3339.fullmatch(value)):
        raise ValueError("must be an RFC 3339 time with its offset, such as 2027-01-31T00:00:00Z")
    return value


def _in_utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be a time of the years 1 to 9999 in UTC") from None


Username = Annotated[str, AfterValidator(_username)]
OrganizationName = Annotated[Name, AfterValidator(_organization_name)]
GroupName = Annotated[Name, AfterValidator(_group_name)]
Email = Annotated[Name, AfterValidator(_email)]
Time = Annotated[
    AwareDatetime, Field(strict=False), AfterValidator(_in_utc), BeforeValidator(_rfc3339)
]


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
    """A user, and all organizations of the user."""

    username: Username
    email: Email | None = None
    roles: list[Annotated[str, _one_of(SITE_ROLES)]] = []
    status: UserStatus = "active"
    organizations: Annotated[
        list[MembershipEntry], Field(max_length=MAX_ORGANIZATIONS_OF_USER)
    ] = []


class TokenEntry(Body):
    """A token by name. Of an existing token only `revoked` is applied."""

    username: Username
    name: Name
    expires_at: Time | None = None
    scope: ScopeDocument | None = None
    revoked: bool = False


class DirectoryDocument(Body):
    """The event of ImportDirectory."""

    organizations: list[OrganizationEntry] = []
    users: list[UserEntry] = []
    tokens: list[TokenEntry] = []

    def organization_names(self) -> set[str]:
        """Return the organizations that are listed or referred to by name, also in a scope."""
        names = {each.name for each in self.organizations} | {
            m.name for each in self.users for m in each.organizations
        }
        for token in self.tokens:
            if token.scope is not None:
                names |= {key for key in token.scope.by_org_id if not UUID_FORM.fullmatch(key)}
                names |= {
                    each.id.partition("/")[0] for each in token.scope.allow_list if "/" in each.id
                }
        return names

    def organization_ids(self) -> set[UUID]:
        """Return the organizations that a token's scope refers to by id."""
        scopes = [token.scope for token in self.tokens if token.scope is not None]
        return {
            UUID(key) for scope in scopes for key in scope.by_org_id if UUID_FORM.fullmatch(key)
        }

    def usernames(self) -> set[str]:
        """Return the users that are listed or referred to, also in a scope."""
        names = {each.username for each in self.users} | {each.username for each in self.tokens}
        for token in self.tokens:
            if token.scope is not None:
                names |= {
                    each.id for each in token.scope.allow_list if each.type == ResourceType.USER
                }
        return names

    def emails(self) -> set[str]:
        """Return the addresses of the listed users, in lower case, as they are compared."""
        return {each.email.lower() for each in self.users if each.email is not None}


def read_directory(event: Mapping[str, Any]) -> DirectoryDocument:
    """Return the document of an event. Raise ValidationFailed, with the path of every problem that
    the document alone shows.
    """
    try:
        document = DirectoryDocument.model_validate(event)
    except ValidationError as error:
        raise ValidationFailed(as_phrases(problems_of(error))) from error
    if problems := [
        *_listed_twice(document),
        *_several_defaults(document),
        *_kept_and_deleted(document),
    ]:
        raise ValidationFailed(problems)
    return document


def _listed_twice(document: DirectoryDocument) -> Iterable[Problem]:
    yield from _twice("organizations", "name", [each.name for each in document.organizations])
    yield from _twice("users", "username", [each.username for each in document.users])
    yield from _twice(
        "tokens", "name", [f"{each.username}/{each.name}" for each in document.tokens]
    )
    for i, organization in enumerate(document.organizations):
        yield from _twice(f"organizations[{i}].groups", "", organization.groups)
    for i, user in enumerate(document.users):
        yield from _twice(
            f"users[{i}].organizations", "name", [each.name for each in user.organizations]
        )
        for k, membership in enumerate(user.organizations):
            yield from _twice(f"users[{i}].organizations[{k}].groups", "", membership.groups)


def _twice(path: str, key: str, names: list[str]) -> Iterable[Problem]:
    first: dict[str, int] = {}
    for i, name in enumerate(names):
        if (before := first.setdefault(name, i)) != i:
            where = f"{path}[{i}].{key}" if key else f"{path}[{i}]"
            yield Problem(where, f'"{name}" is listed at {path}[{before}] already')


def _several_defaults(document: DirectoryDocument) -> Iterable[Problem]:
    defaults = [i for i, each in enumerate(document.organizations) if each.is_default]
    for i in defaults[1:]:
        yield Problem(f"organizations[{i}].is_default", "only one organization can be the default")


def _kept_and_deleted(document: DirectoryDocument) -> Iterable[Problem]:
    """Return the problems of deleted organizations that have other keys or are referred to."""
    deleted = {
        each.name: f"organizations[{i}]"
        for i, each in enumerate(document.organizations)
        if each.deleted
    }
    for each in document.organizations:
        if each.deleted and each.model_fields_set - {"name", "deleted"}:
            yield Problem(deleted[each.name], "is deleted, and so takes no other key but its name")
    for i, user in enumerate(document.users):
        for k, membership in enumerate(user.organizations):
            if membership.name in deleted:
                yield Problem(
                    f"users[{i}].organizations[{k}].name",
                    f'"{membership.name}" is deleted by {deleted[membership.name]}',
                )
    for i, token in enumerate(document.tokens):
        scope = DirectoryDocument(tokens=[token])
        for name in sorted(scope.organization_names() & deleted.keys()):
            yield Problem(f"tokens[{i}].scope", f'"{name}" is deleted by {deleted[name]}')
