"""The nouns and verbs of authorization: what can be done, to what, by whom, with which
credential.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal
from uuid import UUID

Wildcard = Literal["*"]
ANY: Wildcard = "*"


class Action(StrEnum):
    """What is done."""

    CREATE = "create"
    READ = "read"
    UPDATE = "update"
    DELETE = "delete"


class ResourceType(StrEnum):
    """What it is done to. Spend and budgets have no type of their own: they hang on a group or a
    user.
    """

    GROUP = "group"
    GROUP_MEMBER = "group_member"
    USER = "user"
    AI_MODEL_PRICE = "ai_model_price"
    AI_USAGE = "ai_usage"
    AI_SPEND_ALERT = "ai_spend_alert"
    DIRECTORY = "directory"
    AUDIT_LOG = "audit_log"


@dataclass(frozen=True, slots=True)
class Permission:
    """A vote for (or, negated, against) an action on a resource type."""

    resource_type: ResourceType | Wildcard
    action: Action | Wildcard
    negate: bool = False

    def covers(self, resource_type: ResourceType, action: Action) -> bool:
        return self.resource_type in (ANY, resource_type) and self.action in (ANY, action)


type Permissions = tuple[Permission, ...]


@dataclass(frozen=True, slots=True)
class OrganizationPermissions:
    """What a role holds in one organization: `org` on anything there, `member` on what the subject
    owns there.
    """

    org: Permissions = ()
    member: Permissions = ()


@dataclass(frozen=True, slots=True)
class Role:
    """Permissions at their levels. An entry in `by_org_id`, be it empty, makes the subject a member
    there.
    """

    site: Permissions = ()
    user: Permissions = ()
    by_org_id: Mapping[UUID, OrganizationPermissions] = field(
        default_factory=dict[UUID, OrganizationPermissions]
    )


@dataclass(frozen=True, slots=True)
class AllowedObject:
    """An entry of a scope's allow-list: one object, or all of a type, or everything."""

    type: ResourceType | Wildcard = ANY
    id: str = ANY


@dataclass(frozen=True, slots=True)
class Scope:
    """The credential's limit: the shape of a role, plus the objects that it may touch at all."""

    role: Role
    allow_list: tuple[AllowedObject, ...]


UNLIMITED = Scope(Role(site=(Permission(ANY, ANY),)), (AllowedObject(),))


@dataclass(frozen=True, slots=True)
class Subject:
    """Who asks: an id, roles, explicit group memberships, and the scope of the
    credential in use.
    """

    id: UUID | None
    roles: tuple[Role, ...]
    groups: frozenset[UUID] = frozenset()
    scope: Scope = UNLIMITED

    def is_member_of(self, organization_id: UUID) -> bool:
        return any(organization_id in role.by_org_id for role in self.roles)


type AccessList = Mapping[UUID, frozenset[Action | Wildcard]]


@dataclass(frozen=True, slots=True)
class Object:
    """What is asked about. `id` None is the type at large: only an allow-list entry with any id
    lets it pass.
    """

    type: ResourceType
    id: str | None = None
    organization_id: UUID | None = None
    owner_id: UUID | None = None
    user_acl: AccessList = field(default_factory=dict[UUID, frozenset[Action | Wildcard]])
    group_acl: AccessList = field(default_factory=dict[UUID, frozenset[Action | Wildcard]])


def group_object(group_id: UUID, organization_id: UUID) -> Object:
    """A group and all that hangs on it; its members may read it."""
    return Object(
        ResourceType.GROUP,
        id=str(group_id),
        organization_id=organization_id,
        group_acl={group_id: frozenset({Action.READ})},
    )


def user_object(user_id: UUID) -> Object:
    """A user and all that hangs on the user, who owns it."""
    return Object(ResourceType.USER, id=str(user_id), owner_id=user_id)


def group_member_object(user_id: UUID, organization_id: UUID) -> Object:
    """What hangs on a user's place in a group of an organization; the user owns it."""
    return Object(
        ResourceType.GROUP_MEMBER,
        id=str(user_id),
        organization_id=organization_id,
        owner_id=user_id,
    )


def groups_object(organization_id: UUID | None) -> Object:
    """All groups of an organization, those that are gone too; None: of all. Being in one of them is
    not enough.
    """
    return Object(ResourceType.GROUP, organization_id=organization_id)


def group_members_object(organization_id: UUID) -> Object:
    """What hangs on the places of all users in all groups of an organization. One's own is not
    enough.
    """
    return Object(ResourceType.GROUP_MEMBER, organization_id=organization_id)


def audit_log_object(organization_id: UUID | None) -> Object:
    """The audit entries of an organization; None: those that concern none."""
    return Object(ResourceType.AUDIT_LOG, organization_id=organization_id)


PRICE_BOOK = Object(ResourceType.AI_MODEL_PRICE)
DIRECTORY = Object(ResourceType.DIRECTORY)
USAGE = Object(ResourceType.AI_USAGE)
SPEND_ALERTS = Object(ResourceType.AI_SPEND_ALERT)

NO_SECRET = frozenset({ResourceType.AI_MODEL_PRICE, ResourceType.DIRECTORY})
"""Everybody knows that these are there: who may not is told so. A refusal of anything else looks
like an absence.
"""
