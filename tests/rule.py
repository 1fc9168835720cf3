"""Small subjects and objects for the tests of the rule: who may read one group."""

from uuid import UUID

from allowance.rbac.authorize import allowed
from allowance.rbac.policy import (
    UNLIMITED,
    Action,
    AllowedObject,
    Object,
    OrganizationPermissions,
    Permission,
    Permissions,
    ResourceType,
    Role,
    Scope,
    Subject,
)

ME, OTHER = UUID(int=1), UUID(int=2)
HERE, ELSEWHERE = UUID(int=10), UUID(int=20)
GROUP, OTHER_GROUP = UUID(int=11), UUID(int=12)

YES: Permissions = (Permission(ResourceType.GROUP, Action.READ),)
NO: Permissions = (Permission(ResourceType.GROUP, Action.READ, negate=True),)
EVERY_OBJECT = (AllowedObject(),)
READ, ANYTHING = frozenset({Action.READ}), frozenset({"*"})

MEMBER_HERE = Role(by_org_id={HERE: OrganizationPermissions()})
MEMBER_ELSEWHERE = Role(by_org_id={ELSEWHERE: OrganizationPermissions()})


def here(org: Permissions = (), member: Permissions = ()) -> Role:
    return Role(by_org_id={HERE: OrganizationPermissions(org, member)})


def a_group(owner: UUID | None = None, organization: UUID | None = HERE) -> Object:
    return Object(ResourceType.GROUP, str(GROUP), organization, owner)


def may_read(
    obj: Object,
    *roles: Role,
    groups: frozenset[UUID] = frozenset(),
    scope: Scope = UNLIMITED,
    subject_id: UUID | None = ME,
) -> bool:
    return allowed(Subject(subject_id, roles, groups, scope), Action.READ, obj)


OWNED = a_group(owner=ME)
