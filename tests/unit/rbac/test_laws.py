"""Each law of levels and access lists, with the smallest case that breaks without the law."""

from uuid import UUID

import pytest

from allowance.rbac.authorize import allowed
from allowance.rbac.policy import (
    AccessList,
    Action,
    Object,
    OrganizationPermissions,
    Permission,
    ResourceType,
    Role,
    Scope,
    Subject,
)
from tests.rule import (
    ANYTHING,
    ELSEWHERE,
    EVERY_OBJECT,
    GROUP,
    HERE,
    ME,
    MEMBER_ELSEWHERE,
    MEMBER_HERE,
    NO,
    OTHER,
    OTHER_GROUP,
    OWNED,
    READ,
    YES,
    a_group,
    here,
    may_read,
)

OWNED_OUTSIDE = a_group(owner=ME, organization=None)


@pytest.mark.parametrize(
    ("obj", "role"),
    [
        (a_group(), Role(site=YES)),
        (OWNED_OUTSIDE, Role(user=YES)),
        (a_group(), here(org=YES)),
        (OWNED, here(member=YES)),
    ],
    ids=["site", "user", "org", "member"],
)
class TestOneLevel:
    def test_its_vote_allows_and_a_negated_one_beside_it_refuses(
        self, obj: Object, role: Role
    ) -> None:
        against = Role(
            NO if role.site else (),
            NO if role.user else (),
            {
                org: OrganizationPermissions(NO if held.org else (), NO if held.member else ())
                for org, held in role.by_org_id.items()
            },
        )
        assert may_read(obj, role)
        assert not may_read(obj, role, against)
        assert not may_read(obj, against, role)

    def test_one_of_two_roles_is_enough(self, obj: Object, role: Role) -> None:
        assert may_read(obj, Role(), role)
        assert may_read(obj, role, MEMBER_ELSEWHERE)

    def test_another_type_or_another_action_gets_nothing(self, obj: Object, role: Role) -> None:
        assert not allowed(Subject(ME, (role,)), Action.UPDATE, obj)
        other = Object(ResourceType.USER, obj.id, obj.organization_id, obj.owner_id)
        assert not may_read(other, role)

    def test_a_scope_of_this_level_lets_it_through(self, obj: Object, role: Role) -> None:
        assert may_read(obj, role, scope=Scope(role, EVERY_OBJECT))

    def test_an_empty_scope_stops_it(self, obj: Object, role: Role) -> None:
        assert not may_read(obj, role, scope=Scope(Role(), EVERY_OBJECT))

    def test_a_scope_negated_at_the_site_stops_it(self, obj: Object, role: Role) -> None:
        against = Role(NO, role.user, role.by_org_id)
        assert not may_read(obj, role, scope=Scope(against, EVERY_OBJECT))


@pytest.mark.parametrize(
    ("obj", "role"),
    [(OWNED_OUTSIDE, Role(user=YES)), (OWNED, here(org=YES)), (OWNED, here(member=YES))],
    ids=["user", "org", "member"],
)
def test_a_negated_site_permission_overrules_every_other_level(obj: Object, role: Role) -> None:
    assert not may_read(obj, role, Role(site=NO))


def test_a_site_permission_overrules_negated_lower_levels() -> None:
    assert may_read(OWNED, Role(site=YES), here(org=NO, member=NO))
    assert may_read(OWNED_OUTSIDE, Role(site=YES, user=NO))


def test_a_negated_organization_permission_overrules_the_member_level() -> None:
    assert not may_read(OWNED, here(org=NO, member=YES))


def test_an_organization_permission_overrules_a_negated_member_level() -> None:
    assert may_read(OWNED, here(org=YES, member=NO))


def test_the_user_level_does_not_count_inside_an_organization() -> None:
    assert not may_read(OWNED, Role(user=YES), MEMBER_HERE)
    assert may_read(OWNED, Role(user=NO), here(org=YES))


def test_the_user_and_member_levels_count_for_the_owner_only() -> None:
    assert not may_read(a_group(owner=OTHER, organization=None), Role(user=YES))
    assert not may_read(a_group(owner=OTHER), here(member=YES))


def test_an_object_without_owner_is_not_owned_by_a_subject_without_id() -> None:
    assert not may_read(a_group(organization=None), Role(user=YES), subject_id=None)
    assert not may_read(a_group(), here(member=YES), subject_id=None)


def test_a_role_in_another_organization_does_not_count() -> None:
    entry = OrganizationPermissions(org=YES, member=YES)
    elsewhere = Role(by_org_id={ELSEWHERE: entry})
    assert not may_read(OWNED, elsewhere, MEMBER_HERE)
    assert not may_read(OWNED_OUTSIDE, elsewhere)


def listed(
    users: AccessList | None = None, groups: AccessList | None = None, where: UUID | None = HERE
) -> Object:
    return Object(ResourceType.GROUP, str(GROUP), where, None, users or {}, groups or {})


LISTED = {
    "me": listed(users={ME: READ}),
    "a group of mine": listed(groups={GROUP: READ}),
    "Everyone": listed(groups={HERE: READ}),
    "any action": listed(groups={GROUP: ANYTHING}),
    "me among others": listed(users={OTHER: frozenset(), ME: READ}),
    "a group among others": listed(groups={GROUP: READ, OTHER_GROUP: frozenset()}),
}
GROUPS = frozenset({GROUP, OTHER_GROUP})


@pytest.mark.parametrize("name", LISTED)
class TestAccessList:
    def test_it_gives_members_what_it_lists(self, name: str) -> None:
        assert may_read(LISTED[name], MEMBER_HERE, groups=GROUPS)
        assert may_read(LISTED[name], MEMBER_ELSEWHERE, MEMBER_HERE, groups=GROUPS)

    def test_it_gives_nothing_to_members_of_other_organizations(self, name: str) -> None:
        assert not may_read(LISTED[name], MEMBER_ELSEWHERE, groups=GROUPS | {HERE})

    def test_negated_permissions_take_nothing_from_it(self, name: str) -> None:
        assert may_read(LISTED[name], here(org=NO, member=NO), Role(site=NO), groups=GROUPS)

    def test_a_scope_limits_it(self, name: str) -> None:
        narrow = Scope(Role(site=(Permission(ResourceType.USER, "*"),)), EVERY_OBJECT)
        assert not may_read(LISTED[name], MEMBER_HERE, groups=GROUPS, scope=narrow)


def test_an_access_list_gives_no_other_action_and_no_other_people() -> None:
    of_others = listed({OTHER: READ}, {OTHER_GROUP: READ})
    assert not may_read(of_others, MEMBER_HERE, groups=frozenset({GROUP}))
    mine = listed({ME: READ}, {GROUP: READ})
    assert not allowed(Subject(ME, (MEMBER_HERE,), GROUPS), Action.UPDATE, mine)


def test_an_access_list_gives_nothing_outside_organizations() -> None:
    outside = listed({ME: READ}, {GROUP: READ}, where=None)
    assert not may_read(outside, MEMBER_HERE, groups=GROUPS)


def test_a_wildcard_permission_covers_every_type_and_action() -> None:
    for resource_type in ResourceType:
        for action in Action:
            obj = Object(resource_type)
            for permission in (
                Permission("*", "*"),
                Permission(resource_type, "*"),
                Permission("*", action),
            ):
                assert allowed(Subject(ME, (Role(site=(permission,)),)), action, obj)
