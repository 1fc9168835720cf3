"""The built-in roles as data: the name of each role, and its permissions by level."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from allowance.rbac.policy import (
    ANY,
    Action,
    OrganizationPermissions,
    Permission,
    Permissions,
    ResourceType,
    Role,
    Wildcard,
)

CREATE, READ, UPDATE, DELETE = Action.CREATE, Action.READ, Action.UPDATE, Action.DELETE
GROUP, GROUP_MEMBER, USER = ResourceType.GROUP, ResourceType.GROUP_MEMBER, ResourceType.USER
AI_MODEL_PRICE, AI_USAGE = ResourceType.AI_MODEL_PRICE, ResourceType.AI_USAGE
DIRECTORY, AUDIT_LOG = ResourceType.DIRECTORY, ResourceType.AUDIT_LOG
API_TOKEN = ResourceType.API_TOKEN


def _may(*grants: tuple[ResourceType, *tuple[Action | Wildcard, ...]]) -> Permissions:
    return tuple(
        Permission(resource_type, action)
        for resource_type, *actions in grants
        for action in actions
    )


@dataclass(frozen=True, slots=True)
class OrganizationRole:
    """Permissions of a role that a user has in one organization: `org` and `member` there, `site`
    everywhere.
    """

    org: Permissions = ()
    member: Permissions = ()
    site: Permissions = ()


EVERYONE = Role(user=_may((USER, READ), (API_TOKEN, CREATE, READ, DELETE)))
"""The role `member`. Every user has it without a row."""

MEMBER_OF_ORGANIZATION = OrganizationRole(member=_may((GROUP_MEMBER, READ)))
"""The role `organization-member`. Every member of an organization has it without a row."""

SITE_ROLES: Mapping[str, Role] = {
    "owner": Role(
        site=_may(
            (GROUP, CREATE, READ, UPDATE, DELETE),
            (GROUP_MEMBER, READ),
            (USER, READ, UPDATE),
            (AI_MODEL_PRICE, READ, UPDATE),
            (AI_USAGE, CREATE, READ, UPDATE),
            (API_TOKEN, READ, DELETE),
            (DIRECTORY, ANY),
            (AUDIT_LOG, ANY),
        )
    ),
    "user-admin": Role(
        site=_may(
            (GROUP, CREATE, READ, UPDATE, DELETE),
            (GROUP_MEMBER, READ),
            (USER, READ, UPDATE),
            (API_TOKEN, READ, DELETE),
            (DIRECTORY, ANY),
        )
    ),
    "auditor": Role(
        site=_may(
            (GROUP, READ),
            (GROUP_MEMBER, READ),
            (USER, READ),
            (AI_MODEL_PRICE, READ),
            (AI_USAGE, READ),
            (AUDIT_LOG, READ),
        )
    ),
    "template-admin": Role(site=_may((GROUP, READ), (GROUP_MEMBER, READ), (USER, READ))),
    "member": EVERYONE,
    "gateway": Role(site=_may((USER, READ), (AI_MODEL_PRICE, READ), (AI_USAGE, CREATE, READ))),
}

ORGANIZATION_ROLES: Mapping[str, OrganizationRole] = {
    "organization-admin": OrganizationRole(
        org=_may((GROUP, CREATE, READ, UPDATE, DELETE), (GROUP_MEMBER, READ), (AUDIT_LOG, READ)),
        site=_may((USER, READ), (AI_MODEL_PRICE, READ)),
    ),
    "organization-user-admin": OrganizationRole(
        org=_may((GROUP, CREATE, READ, UPDATE, DELETE), (GROUP_MEMBER, READ)),
        site=_may((USER, READ)),
    ),
    "organization-auditor": OrganizationRole(
        org=_may((GROUP, READ), (GROUP_MEMBER, READ), (AUDIT_LOG, READ))
    ),
    "organization-template-admin": OrganizationRole(org=_may((GROUP, READ), (GROUP_MEMBER, READ))),
    "organization-member": MEMBER_OF_ORGANIZATION,
}


def roles_of_user(
    site_roles: Iterable[str], organizations: Iterable[tuple[UUID, Iterable[str]]]
) -> tuple[Role, ...]:
    """Return every role of a user: the role of everyone, the named ones, and one for all
    memberships. An unknown name grants nothing.

    The rule visits every role for each object. So a role for each membership would make the cost of
    a list grow with the square of the number of organizations.
    """
    named = (SITE_ROLES[name] for name in site_roles if name in SITE_ROLES)
    return (EVERYONE, *named, _role_of_member(organizations))


def _role_of_member(organizations: Iterable[tuple[UUID, Iterable[str]]]) -> Role:
    """Return the permissions of all memberships as one role."""
    site: dict[Permission, None] = {}
    held: dict[UUID, OrganizationPermissions] = {}
    for organization_id, names in organizations:
        known = [ORGANIZATION_ROLES[name] for name in names if name in ORGANIZATION_ROLES]
        roles = (MEMBER_OF_ORGANIZATION, *known)
        held[organization_id] = OrganizationPermissions(
            tuple(each for role in roles for each in role.org),
            tuple(each for role in roles for each in role.member),
        )
        site |= dict.fromkeys(each for role in roles for each in role.site)
    return Role(site=tuple(site), by_org_id=held)
