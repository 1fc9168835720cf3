"""Each law of a credential's scope, with the smallest case that breaks without the law."""

import pytest

from allowance.rbac.policy import AllowedObject, Object, ResourceType, Role, Scope
from tests.rule import (
    EVERY_OBJECT,
    GROUP,
    HERE,
    MEMBER_ELSEWHERE,
    MEMBER_HERE,
    NO,
    OTHER_GROUP,
    OWNED,
    YES,
    a_group,
    here,
    may_read,
)


def test_a_scope_does_not_count_in_organizations_of_others() -> None:
    everywhere = here(org=YES, member=YES)
    scope = Scope(everywhere, EVERY_OBJECT)
    assert not may_read(OWNED, Role(site=YES), scope=scope)
    assert not may_read(OWNED, Role(site=YES), MEMBER_ELSEWHERE, scope=scope)
    assert may_read(OWNED, Role(site=YES), MEMBER_HERE, scope=scope)


def test_a_scope_keeps_its_own_order_of_levels() -> None:
    refused = Scope(here(org=NO, member=YES), EVERY_OBJECT)
    assert not may_read(OWNED, here(org=YES), scope=refused)
    inside = Scope(Role(user=YES), EVERY_OBJECT)
    assert not may_read(OWNED, here(org=YES), scope=inside)


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([AllowedObject(ResourceType.GROUP, str(GROUP))], True),
        ([AllowedObject("*", str(GROUP))], True),
        ([AllowedObject(ResourceType.GROUP)], True),
        ([AllowedObject(ResourceType.USER), AllowedObject()], True),
        ([AllowedObject(), AllowedObject(ResourceType.USER)], True),
        ([AllowedObject(ResourceType.USER, str(GROUP))], False),
        ([AllowedObject(ResourceType.USER)], False),
        ([AllowedObject(ResourceType.GROUP, str(OTHER_GROUP))], False),
        ([AllowedObject("*", str(OTHER_GROUP))], False),
        # Type and id must come from the same entry.
        ([AllowedObject(ResourceType.USER), AllowedObject("*", str(OTHER_GROUP))], False),
        ([], False),
    ],
)
def test_an_allow_list_needs_an_entry_with_this_type_and_id(
    entries: list[AllowedObject], expected: bool
) -> None:
    scope = Scope(Role(site=YES), tuple(entries))
    assert may_read(a_group(), Role(site=YES), scope=scope) is expected


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (AllowedObject(ResourceType.GROUP), True),
        (AllowedObject(ResourceType.GROUP, str(GROUP)), False),
        (AllowedObject("*", "None"), False),
    ],
)
def test_an_object_without_id_needs_an_entry_for_any_id(
    entry: AllowedObject, expected: bool
) -> None:
    groups = Object(ResourceType.GROUP, organization_id=HERE)
    assert may_read(groups, Role(site=YES), scope=Scope(Role(site=YES), (entry,))) is expected
