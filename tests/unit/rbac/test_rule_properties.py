"""The rule against a second statement of its definition, and the properties that it must have."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from allowance.rbac.authorize import allowed
from allowance.rbac.policy import (
    Action,
    Object,
    OrganizationPermissions,
    Permission,
    Role,
    Scope,
    Subject,
)
from tests.random_subjects import IDS, actions, ids, permissions, scopes, subjects, types

acls = st.dictionaries(ids, st.frozensets(actions | st.just("*")), max_size=2)
objects = st.builds(Object, types, ids.map(str), st.none() | ids, st.none() | ids, acls, acls)


def votes(
    held: tuple[Role, ...], subject: Subject, action: Action, obj: Object
) -> tuple[int, int, int, int]:
    """The four votes of the definition: site, user, org, org_member."""

    def vote(candidates: list[Permission]) -> int:
        matching = [
            p
            for p in candidates
            if p.resource_type in ("*", obj.type) and p.action in ("*", action)
        ]
        if any(p.negate for p in matching):
            return -1
        return 1 if matching else 0

    owned = obj.owner_id == subject.id and obj.owner_id is not None
    entries = [
        role.by_org_id[obj.organization_id]
        for role in held
        if obj.organization_id in role.by_org_id
    ]
    return (
        vote([p for role in held for p in role.site]),
        vote([p for role in held for p in role.user])
        if owned and obj.organization_id is None
        else 0,
        vote([p for entry in entries for p in entry.org]),
        vote([p for entry in entries for p in entry.member]) if owned else 0,
    )


def says_yes(site: int, user: int, org: int, org_member: int) -> bool:
    if site == 1:
        return True
    if site == -1:
        return False
    return user == 1 or org == 1 or (org == 0 and org_member == 1)


def restated(subject: Subject, action: Action, obj: Object) -> bool:
    members_of = {org for role in subject.roles for org in role.by_org_id}
    by_role = says_yes(*votes(subject.roles, subject, action, obj))
    grants = [
        granted
        for who, granted in [
            *((who, granted) for who, granted in obj.user_acl.items() if who == subject.id),
            *(
                (who, granted)
                for who, granted in obj.group_acl.items()
                if who in {*subject.groups, obj.organization_id}
            ),
        ]
    ]
    by_list = obj.organization_id in members_of and any(
        action in granted or "*" in granted for granted in grants
    )
    limit = subject.scope.role
    limit = Role(
        limit.site,
        limit.user,
        {org: limit.by_org_id[org] for org in limit.by_org_id if org in members_of},
    )
    by_scope = says_yes(*votes((limit,), subject, action, obj))
    listed = any(
        entry.type in ("*", obj.type) and entry.id in ("*", obj.id)
        for entry in subject.scope.allow_list
    )
    return (by_role or by_list) and by_scope and listed


@given(subjects, actions, objects)
def test_the_rule_equals_its_definition(subject: Subject, action: Action, obj: Object) -> None:
    assert allowed(subject, action, obj) == restated(subject, action, obj)


@given(subjects, actions, objects)
def test_a_scope_never_widens(subject: Subject, action: Action, obj: Object) -> None:
    unlimited = Subject(subject.id, subject.roles, subject.groups)
    assert allowed(unlimited, action, obj) or not allowed(subject, action, obj)


@given(subjects, actions, objects, permissions)
def test_one_more_permission_never_works_against_its_direction(
    subject: Subject, action: Action, obj: Object, permission: Permission
) -> None:
    more = Subject(
        subject.id, (*subject.roles, Role(site=(permission,))), subject.groups, subject.scope
    )
    before, after = allowed(subject, action, obj), allowed(more, action, obj)
    assert after <= before if permission.negate else after >= before


@given(actions, objects, st.frozensets(ids), scopes)
def test_a_subject_without_roles_gets_nothing_from_any_list(
    action: Action, obj: Object, groups: frozenset[UUID], scope: Scope
) -> None:
    assert not allowed(Subject(IDS[0], (), groups, scope), action, obj)


@given(subjects, actions, objects)
def test_a_role_in_a_third_organization_changes_nothing(
    subject: Subject, action: Action, obj: Object
) -> None:
    foreign = UUID(int=99)
    joined = Role(by_org_id={foreign: OrganizationPermissions(org=(Permission("*", "*"),))})
    more = Subject(subject.id, (*subject.roles, joined), subject.groups, subject.scope)
    assert allowed(subject, action, obj) == allowed(more, action, obj)
