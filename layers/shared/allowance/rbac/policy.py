"""The terms of authorization: actions, objects, permissions, roles, scopes and subjects."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal
from uuid import UUID

Wildcard = Literal["*"]
ANY: Wildcard = "*"


class Action(StrEnum):
    """What a subject does to an object."""

    CREATE = "create"
    READ = "read"
    UPDATE = "update"
    DELETE = "delete"


class ResourceType(StrEnum):
    """The type of an object. Spend and budgets have the type of their group or user."""

    GROUP = "group"
    GROUP_MEMBER = "group_member"
    USER = "user"
    AI_MODEL_PRICE = "ai_model_price"
    AI_USAGE = "ai_usage"
    AI_SPEND_ALERT = "ai_spend_alert"
    AI_SPEND_EXPORT = "ai_spend_export"
    API_TOKEN = "api_token"  # noqa: S105 - a type, not a secret
    DIRECTORY = "directory"
    AUDIT_LOG = "audit_log"


@dataclass(frozen=True, slots=True)
class Permission:
    """A vote for an action on a resource type, or against it if negated."""

    resource_type: ResourceType | Wildcard
    action: Action | Wildcard
    negate: bool = False

    def covers(self, resource_type: ResourceType, action: Action) -> bool:
        return self.resource_type in (ANY, resource_type) and self.action in (ANY, action)


type Permissions = tuple[Permission, ...]


@dataclass(frozen=True, slots=True)
class OrganizationPermissions:
    """Permissions of a role in one organization: `org` for every object there, `member` for
    objects that the subject owns.
    """

    org: Permissions = ()
    member: Permissions = ()


@dataclass(frozen=True, slots=True)
class Role:
    """Permissions by level. An entry in `by_org_id`, even an empty one, makes the subject a member
    of that organization.
    """

    site: Permissions = ()
    user: Permissions = ()
    by_org_id: Mapping[UUID, OrganizationPermissions] = field(
        default_factory=dict[UUID, OrganizationPermissions]
    )


@dataclass(frozen=True, slots=True)
class AllowedObject:
    """An entry of a scope's allow-list: one object, all objects of a type, or all objects."""

    type: ResourceType | Wildcard = ANY
    id: str = ANY


@dataclass(frozen=True, slots=True)
class Scope:
    """The limit of a credential: permissions as in a role, and a list of allowed objects."""

    role: Role
    allow_list: tuple[AllowedObject, ...]


UNLIMITED = Scope(Role(site=(Permission(ANY, ANY),)), (AllowedObject(),))


@dataclass(frozen=True, slots=True)
class Subject:
    """The caller or a system actor: an id, roles, explicit group memberships, the scope of the
    credential, and the scopes of the tokens that made the credential.
    """

    id: UUID | None
    roles: tuple[Role, ...]
    groups: frozenset[UUID] = frozenset()
    scope: Scope = UNLIMITED
    maker_scopes: tuple[Scope, ...] = ()

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """Return every scope that must allow an action."""
        return (self.scope, *self.maker_scopes)

    def is_member_of(self, organization_id: UUID) -> bool:
        return any(organization_id in role.by_org_id for role in self.roles)


type AccessList = Mapping[UUID, frozenset[Action | Wildcard]]


@dataclass(frozen=True, slots=True)
class Object:
    """The object of an action. `id` None means the whole type: only an allow-list entry for any id
    allows it.
    """

    type: ResourceType
    id: str | None = None
    organization_id: UUID | None = None
    owner_id: UUID | None = None
    user_acl: AccessList = field(default_factory=dict[UUID, frozenset[Action | Wildcard]])
    group_acl: AccessList = field(default_factory=dict[UUID, frozenset[Action | Wildcard]])


def group_object(group_id: UUID, organization_id: UUID) -> Object:
    """Return a group, with its budget and spend. Its members may read it."""
    return Object(
        ResourceType.GROUP,
        id=str(group_id),
        organization_id=organization_id,
        group_acl={group_id: frozenset({Action.READ})},
    )


def user_object(user_id: UUID) -> Object:
    """Return a user, with the user's override and spend. The user owns it."""
    return Object(ResourceType.USER, id=str(user_id), owner_id=user_id)


def api_tokens_object(user_id: UUID) -> Object:
    """Return the tokens of a user. The user owns them."""
    return Object(ResourceType.API_TOKEN, id=str(user_id), owner_id=user_id)


def group_member_object(user_id: UUID, organization_id: UUID) -> Object:
    """Return a user's spend in the groups of an organization. The user owns it."""
    return Object(
        ResourceType.GROUP_MEMBER,
        id=str(user_id),
        organization_id=organization_id,
        owner_id=user_id,
    )


def groups_object(organization_id: UUID | None) -> Object:
    """Return all groups of an organization, deleted ones included; None means all organizations.
    Membership of one group does not allow it.
    """
    return Object(ResourceType.GROUP, organization_id=organization_id)


def group_members_object(organization_id: UUID | None) -> Object:
    """Return the spend of all users in all groups of an organization; None means of all, and of
    none. Ownership of one's own does not allow it.
    """
    return Object(ResourceType.GROUP_MEMBER, organization_id=organization_id)


def audit_log_object(organization_id: UUID | None) -> Object:
    """Return the audit entries of an organization; None means those of no organization."""
    return Object(ResourceType.AUDIT_LOG, organization_id=organization_id)


USERS = Object(ResourceType.USER)
PRICE_BOOK = Object(ResourceType.AI_MODEL_PRICE)
DIRECTORY = Object(ResourceType.DIRECTORY)
USAGE = Object(ResourceType.AI_USAGE)
SPEND_ALERTS = Object(ResourceType.AI_SPEND_ALERT)
SPEND_EXPORTS = Object(ResourceType.AI_SPEND_EXPORT)

NO_SECRET = frozenset({ResourceType.AI_MODEL_PRICE, ResourceType.DIRECTORY})
"""Types whose existence is public: a refusal is 403. A refusal of any other type looks like an
absence: 404.
"""
