"""The forms of names, addresses, ids and times in a directory document."""

import re
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field

from allowance.access.names import DEFAULT_ORGANIZATION
from allowance.contract.fields import (
    USERNAME_FORM,
    UUID_FORM,
    Moment,
    Name,
    hyphenated,
    moment_of,
)
from allowance.rbac.system import SYSTEM_ACTORS

EVERYONE = "Everyone"
SYSTEM_NAMES = frozenset(actor.name for actor in SYSTEM_ACTORS)

_ISSUER = re.compile(r"https?://[^\s?#]+")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def _username(name: str) -> str:
    if name in SYSTEM_NAMES:
        raise ValueError(f'"{name}" is the name of a system actor in the audit log')
    if not USERNAME_FORM.fullmatch(name) or name == "me" or UUID_FORM.fullmatch(name):
        raise ValueError(f'"{name}" is no username: a-z, 0-9 and -, at most 64, not "me", no UUID')
    return name


def _organization_name(name: str) -> str:
    if name == DEFAULT_ORGANIZATION:
        raise ValueError(f'must not be "{name}", which stands for the default organization')
    if UUID_FORM.fullmatch(name) or "/" in name:
        raise ValueError("must be no UUID and have no slash")
    return name


def _group_name(name: str) -> str:
    if name.casefold() == EVERYONE.casefold():
        raise ValueError(
            f'"{name}" is a reserved group name: every organization has the group {EVERYONE}'
        )
    # A path and a usage that name a UUID mean the id of a group.
    if UUID_FORM.fullmatch(name) or "/" in name:
        raise ValueError("must be no UUID and have no slash")
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


def _user_name(name: str) -> str:
    # Usage that names a UUID means the id of a user.
    if UUID_FORM.fullmatch(name):
        raise ValueError("must be no UUID")
    return name


def _issuer(url: str) -> str:
    # As OpenID Connect has it: no query and no fragment.
    if not _ISSUER.fullmatch(url):
        raise ValueError("must be an http or https address without ? and #")
    return url


def _rfc3339(value: object) -> object:
    if value is not None and moment_of(value) is None:
        raise ValueError("must be an RFC 3339 time with its offset, such as 2027-01-31T00:00:00Z")
    return value


Username = Annotated[str, AfterValidator(_username)]
OrganizationName = Annotated[Name, AfterValidator(_organization_name)]
GroupName = Annotated[Name, AfterValidator(_group_name)]
GroupKey = Annotated[str, AfterValidator(_group_key)]
Email = Annotated[Name, AfterValidator(_email)]
Time = Annotated[Moment, BeforeValidator(_rfc3339)]


Id = Annotated[UUID, Field(strict=False), BeforeValidator(hyphenated)]
UserName = Annotated[Name, AfterValidator(_user_name)]
Issuer = Annotated[Name, AfterValidator(_issuer)]
