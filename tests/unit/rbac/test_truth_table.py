"""Every role, on every object, for every action: the answer is written down here. Nothing passes by
omission.
"""

from uuid import UUID

import pytest

from allowance.rbac.authorize import allowed
from allowance.rbac.policy import (
    DIRECTORY,
    PRICE_BOOK,
    SPEND_ALERTS,
    UNLIMITED,
    Action,
    AllowedObject,
    Object,
    Permission,
    ResourceType,
    Role,
    Scope,
    Subject,
    audit_log_object,
    group_member_object,
    group_members_object,
    group_object,
    groups_object,
    user_object,
)
from allowance.rbac.roles import ORGANIZATION_ROLES, SITE_ROLES, roles_of_user
from allowance.rbac.system import SYSTEM_ACTORS

SELF, OTHER = UUID(int=1), UUID(int=2)
HERE, ELSEWHERE = UUID(int=10), UUID(int=20)
GROUP, OWN_GROUP = UUID(int=11), UUID(int=12)

OBJECTS = {
    "group": group_object(GROUP, HERE),
    "own-group": group_object(OWN_GROUP, HERE),
    "everyone": group_object(HERE, HERE),
    "own-row": group_member_object(SELF, HERE),
    "row": group_member_object(OTHER, HERE),
    "self": user_object(SELF),
    "other": user_object(OTHER),
    "prices": PRICE_BOOK,
    "usage": Object(ResourceType.AI_USAGE),
    "alerts": SPEND_ALERTS,
    "directory": DIRECTORY,
    "audit": audit_log_object(HERE),
    "audit-site": audit_log_object(None),
    "groups": groups_object(HERE),
    "members": group_members_object(HERE),
}

# The subject is listed in own-group throughout: where it is no member of the organization, that is
# a stale row. c create, r read, u update, d delete, - nothing. "@here": held in the objects'
# organization; "@elsewhere": in another.
TABLE = """
                                       group own-group everyone own-row row self other prices usage alerts directory audit audit-site groups members
owner                                  crud  crud      crud     r       r   ru   ru    ru     cr    -      crud      crud  crud       crud   r
user-admin                             crud  crud      crud     r       r   ru   ru    -      -     -      crud      -     -          crud   r
auditor                                r     r         r        r       r   r    r     -      r     -      -         r     r          r      r
template-admin                         r     r         r        r       r   r    r     -      -     -      -         -     -          r      r
member                                 -     -         -        -       -   r    -     -      -     -      -         -     -          -      -
gateway                                -     -         -        -       -   r    r     r      cr    -      -         -     -          -      -
organization-admin@here                crud  crud      crud     r       r   r    r     -      -     -      -         r     -          crud   r
organization-admin@elsewhere           -     -         -        -       -   r    r     -      -     -      -         -     -          -      -
organization-user-admin@here           crud  crud      crud     r       r   r    r     -      -     -      -         -     -          crud   r
organization-user-admin@elsewhere      -     -         -        -       -   r    r     -      -     -      -         -     -          -      -
organization-auditor@here              r     r         r        r       r   r    -     -      -     -      -         r     -          r      r
organization-auditor@elsewhere         -     -         -        -       -   r    -     -      -     -      -         -     -          -      -
organization-template-admin@here       r     r         r        r       r   r    -     -      -     -      -         -     -          r      r
organization-template-admin@elsewhere  -     -         -        -       -   r    -     -      -     -      -         -     -          -      -
organization-member@here               -     r         r        r       -   r    -     -      -     -      -         -     -          -      -
organization-member@elsewhere          -     -         -        -       -   r    -     -      -     -      -         -     -          -      -
price-seeder                           -     -         -        -       -   -    -     u      -     -      -         -     -          -      -
directory-importer                     -     -         -        -       -   -    -     -      -     -      u         -     -          -      -
usage-ingester                         -     -         -        -       -   -    -     -      c     -      -         -     -          -      -
usage-rerater                          -     -         -        -       -   -    -     -      u     -      -         -     -          -      -
alert-deliverer                        -     -         -        -       -   -    -     -      -     u      -         -     -          -      -
spend-exporter                         r     r         r        -       -   -    -     -      -     -      -         -     -          r      -
usage-expirer                          -     -         -        -       -   -    -     -      d     -      -         -     -          -      -
"""

LETTERS = {"c": Action.CREATE, "r": Action.READ, "u": Action.UPDATE, "d": Action.DELETE}
COLUMNS, *ROWS = (line.split() for line in TABLE.strip().splitlines())
SYSTEM = {actor.name: actor.subject for actor in SYSTEM_ACTORS}


def subject_of(name: str, scope: Scope = UNLIMITED) -> Subject:
    if name in SYSTEM:
        return SYSTEM[name]
    role, _, place = name.partition("@")
    site = [role] if not place else []
    organizations = [({"here": HERE, "elsewhere": ELSEWHERE}[place], [role])] if place else []
    return Subject(SELF, roles_of_user(site, organizations), frozenset({OWN_GROUP}), scope)


def test_every_role_and_every_object_stands_in_the_table() -> None:
    places = {f"{name}@{place}" for name in ORGANIZATION_ROLES for place in ("here", "elsewhere")}
    assert {row[0] for row in ROWS} == SITE_ROLES.keys() | places | SYSTEM.keys()
    assert set(COLUMNS) == OBJECTS.keys()
    assert {each.type for each in OBJECTS.values()} == set(ResourceType)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_role_may_do_what_its_row_says_and_nothing_else(row: list[str]) -> None:
    name, *cells = row
    subject = subject_of(name)
    answers = {
        column: "".join(
            letter
            for letter, action in LETTERS.items()
            if allowed(subject, action, OBJECTS[column])
        )
        or "-"
        for column in COLUMNS
    }
    assert answers == dict(zip(COLUMNS, cells, strict=True))


def test_an_admin_elsewhere_who_is_a_member_here_may_not_read_a_group_here() -> None:
    roles = roles_of_user([], [(ELSEWHERE, ["organization-admin"]), (HERE, [])])
    subject = Subject(SELF, roles)
    assert not allowed(subject, Action.READ, OBJECTS["group"])
    assert allowed(subject, Action.READ, OBJECTS["everyone"])


def scope(*permissions: Permission, ids: tuple[AllowedObject, ...] = (AllowedObject(),)) -> Scope:
    return Scope(Role(site=permissions), ids)


def test_a_scope_for_other_things_leaves_an_owner_nothing_here() -> None:
    subject = subject_of("owner", scope(Permission(ResourceType.AI_USAGE, "*")))
    assert not allowed(subject, Action.READ, OBJECTS["group"])


def test_an_allow_list_that_names_another_group_leaves_an_owner_nothing_here() -> None:
    only = (AllowedObject(ResourceType.GROUP, str(OWN_GROUP)),)
    subject = subject_of("owner", scope(Permission("*", "*"), ids=only))
    assert not allowed(subject, Action.UPDATE, OBJECTS["group"])
    assert allowed(subject, Action.UPDATE, OBJECTS["own-group"])


def test_a_scope_limits_what_an_access_list_gives() -> None:
    reads_prices = scope(Permission(ResourceType.AI_MODEL_PRICE, Action.READ))
    assert not allowed(
        subject_of("organization-member@here", reads_prices), Action.READ, OBJECTS["own-group"]
    )


def test_a_negated_permission_does_not_take_away_what_an_access_list_gives() -> None:
    against = Role(site=(Permission(ResourceType.GROUP, Action.READ, negate=True),))
    subject = Subject(SELF, (*roles_of_user([], [(HERE, [])]), against), frozenset({OWN_GROUP}))
    assert allowed(subject, Action.READ, OBJECTS["own-group"])


def test_a_role_name_that_nobody_knows_grants_nothing() -> None:
    subject = Subject(SELF, roles_of_user(["root"], [(HERE, ["organization-root"])]))
    assert not allowed(subject, Action.READ, OBJECTS["group"])
