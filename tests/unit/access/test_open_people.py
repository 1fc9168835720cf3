"""The gate opens exactly the users and members that the rule allows, without looking at each."""

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given

from allowance.access.gate import Gate
from allowance.access.handle import Handle
from allowance.contract.fields import Row
from allowance.database.database import Database
from allowance.database.settings import DatabaseSource
from allowance.errors import DatabaseUnavailable, NotAuthorized
from allowance.rbac.authorize import allowed
from allowance.rbac.policy import (
    ANY,
    Action,
    Object,
    OrganizationPermissions,
    Permission,
    Permissions,
    ResourceType,
    Role,
    Scope,
    Subject,
    group_member_object,
    user_object,
)
from tests.random_subjects import IDS, subjects

NOWHERE = DatabaseSource(url="postgresql://127.0.0.1:1/nothing")
ORGANIZATION = IDS[0]
PEOPLE = {*IDS, UUID(int=4)}
"""Everybody. Nothing names the last one."""
PAGE: dict[str, Any] = {
    "pattern": None,
    "after_username": None,
    "limit": 1,
    "period_start": None,
}


def opened(
    open_them: Callable[[], tuple[Handle, list[UUID] | None]],
    allowed_ones: Collection[UUID],
    query: str,
    **parameters: Any,
) -> None:
    try:
        db, ids = open_them()
    except NotAuthorized:
        assert allowed_ones == set()
        return
    assert allowed_ones == (PEOPLE if ids is None else PEOPLE & set(ids))
    # The handle runs the query for these ids: it fails only where there is no database.
    with pytest.raises(DatabaseUnavailable):
        db.many(Row, query, user_ids=ids, **parameters, **PAGE)


def about_members(role: Role) -> Role:
    """The role, with what it says of groups said of their members."""

    def changed(permissions: Permissions) -> Permissions:
        return tuple(
            Permission(
                ANY if each.resource_type == ANY else ResourceType.GROUP_MEMBER,
                each.action,
                each.negate,
            )
            for each in permissions
        )

    return Role(
        changed(role.site),
        changed(role.user),
        {
            id_: OrganizationPermissions(changed(each.org), changed(each.member))
            for id_, each in role.by_org_id.items()
        },
    )


def of_members(subject: Subject) -> Subject:
    listed = tuple(
        replace(each, type=ANY if each.type == ANY else ResourceType.GROUP_MEMBER)
        for each in subject.scope.allow_list
    )
    scope = Scope(about_members(subject.scope.role), listed)
    return replace(subject, roles=tuple(map(about_members, subject.roles)), scope=scope)


def readable(subject: Subject, object_of: Callable[[UUID], Object]) -> set[UUID]:
    return {each for each in PEOPLE if allowed(subject, Action.READ, object_of(each))}


@given(subjects)
def test_it_opens_the_users_that_the_rule_allows(subject: Subject) -> None:
    gate = Gate(subject, Database(NOWHERE, "test"))
    opened(
        lambda: gate.open_users(Action.READ),
        readable(subject, user_object),
        "list_users",
        organization_ids=None,
    )


@given(subjects.map(of_members))
def test_it_opens_the_members_that_the_rule_allows(subject: Subject) -> None:
    gate = Gate(subject, Database(NOWHERE, "test"))
    opened(
        lambda: gate.open_members(Action.READ, ORGANIZATION),
        readable(subject, lambda id_: group_member_object(id_, ORGANIZATION)),
        "list_organization_members",
        organization_id=ORGANIZATION,
        group_id=None,
    )
