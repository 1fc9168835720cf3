"""The accounts of authorization of organizations and people."""

from typing import Any

from allowance.directory.models import OrganizationQuery, PeopleQuery
from allowance.directory.people import (
    GroupMemberStore,
    OrganizationMemberStore,
    UserListStore,
    UserStore,
)
from allowance.directory.store import OrganizationListStore, OrganizationStore
from tests.accounting import EVERYWHERE, Account, platform

PEOPLE = PeopleQuery()


def found_nothing(found: list[Any]) -> bool:
    return found == []


PEOPLE_ACCOUNTS: dict[tuple[type, str], Account] = {
    (OrganizationStore, "get_organization"): Account(
        ["read group Everyone"], lambda s, _: s.get_organization()
    ),
    (OrganizationListStore, "list_organizations"): Account(
        [f"read group in {EVERYWHERE}"],
        lambda s, _: s.list_organizations(OrganizationQuery()),
        refused=found_nothing,
    ),
    (UserListStore, "see_path"): Account(["read user"], lambda s, _: s.see_path()),
    (UserListStore, "list_users"): Account(["read user"], lambda s, _: s.list_users(PEOPLE)),
    (UserStore, "get_user"): Account(["read user maya"], lambda s, _: s.get_user()),
    (OrganizationMemberStore, "list_members"): Account(
        ["read group Everyone", "read group_member in acme"], lambda s, _: s.list_members(PEOPLE)
    ),
    (GroupMemberStore, "list_members"): Account(
        ["read group platform", "read group_member in acme"],
        lambda s, a: s.list_members(platform(a), PEOPLE),
    ),
}
