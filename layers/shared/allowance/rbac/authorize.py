"""The rule: votes at four levels (site, user, organization, member), access lists, and the scope of
the credential.
"""

from collections.abc import Iterable, Set
from uuid import UUID

from allowance.rbac.policy import (
    ANY,
    AccessList,
    Action,
    Object,
    OrganizationPermissions,
    Permission,
    Role,
    Scope,
    Subject,
)

NOTHING_HERE = OrganizationPermissions()


def allowed(subject: Subject, action: Action, obj: Object) -> bool:
    """Return whether the subject may do the action: its roles or an access list allow it, and so
    does each of its scopes.
    """
    return (
        _roles_say_yes(subject.roles, subject, action, obj)
        or _access_lists_say_yes(subject, action, obj)
    ) and all(_scope_says_yes(scope, subject, action, obj) for scope in subject.scopes)


def _vote(permissions: Iterable[Permission], action: Action, obj: Object) -> int:
    """Return -1 if any matching permission is negated, else 1 if any matches, else 0."""
    return min(
        (-1 if p.negate else 1 for p in permissions if p.covers(obj.type, action)), default=0
    )


def _roles_say_yes(roles: tuple[Role, ...], subject: Subject, action: Action, obj: Object) -> bool:
    owned = obj.owner_id is not None and obj.owner_id == subject.id
    here = (
        [role.by_org_id.get(obj.organization_id, NOTHING_HERE) for role in roles]
        if obj.organization_id is not None
        else []
    )
    site = _vote((p for role in roles for p in role.site), action, obj)
    user = (
        _vote((p for role in roles for p in role.user), action, obj)
        if owned and obj.organization_id is None
        else 0
    )
    org = _vote((p for entry in here for p in entry.org), action, obj)
    org_member = _vote((p for entry in here for p in entry.member), action, obj) if owned else 0
    return site == 1 or (site != -1 and (user == 1 or org == 1 or (org != -1 and org_member == 1)))


def _access_lists_say_yes(subject: Subject, action: Action, obj: Object) -> bool:
    if obj.organization_id is None or not subject.is_member_of(obj.organization_id):
        return False
    # Each member is in the Everyone group without a row; its id is the id of the organization.
    groups = subject.groups | {obj.organization_id}
    return (subject.id is not None and _lists(obj.user_acl, {subject.id}, action)) or _lists(
        obj.group_acl, groups, action
    )


def _lists(acl: AccessList, ids: Set[UUID], action: Action) -> bool:
    return any(granted & {action, ANY} for id_, granted in acl.items() if id_ in ids)


def _scope_says_yes(scope: Scope, subject: Subject, action: Action, obj: Object) -> bool:
    on_the_list = any(
        entry.type in (ANY, obj.type) and entry.id in (ANY, obj.id) for entry in scope.allow_list
    )
    # A scope counts only in organizations of which the subject is a member.
    own = {org: entry for org, entry in scope.role.by_org_id.items() if subject.is_member_of(org)}
    role = Role(scope.role.site, scope.role.user, own)
    return on_the_list and _roles_say_yes((role,), subject, action, obj)
