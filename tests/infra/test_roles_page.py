"""docs/roles.md says what the roles may do."""

from allowance.rbac.policy import Permission, ResourceType
from allowance.rbac.roles import ORGANIZATION_ROLES, SITE_ROLES
from local.roles_page import PAGE, THINGS, page


def test_the_page_of_roles_is_generated_from_their_table() -> None:
    """Run `make roles` after a change of roles."""
    assert PAGE.read_text() == page()


def test_the_page_has_every_type_that_a_role_is_about() -> None:
    held: list[Permission] = []
    for role in SITE_ROLES.values():
        held += [*role.site, *role.user]
    for place in ORGANIZATION_ROLES.values():
        held += [*place.org, *place.member, *place.site]
    assert {ResourceType(each.resource_type) for each in held} == set(THINGS)
