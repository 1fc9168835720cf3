"""Every role, on every object, for every action: two tables state each decision and omit none."""

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from allowance.rbac import policy, system
from allowance.rbac.authorize import allowed
from allowance.rbac.policy import (
    NO_SECRET,
    UNLIMITED,
    Action,
    AllowedObject,
    Object,
    Permission,
    ResourceType,
    Role,
    Scope,
    Subject,
)
from allowance.rbac.roles import ORGANIZATION_ROLES, SITE_ROLES, roles_of_user
from allowance.rbac.system import SYSTEM_ACTORS, SystemActor

SELF, OTHER = UUID(int=1), UUID(int=2)
HERE, ELSEWHERE = UUID(int=10), UUID(int=20)
GROUP, OWN_GROUP = UUID(int=11), UUID(int=12)

COLUMNS: dict[str, Object | tuple[Callable[..., Object], *tuple[UUID | None, ...]]] = {
    "group": (policy.group_object, GROUP, HERE),
    "own-group": (policy.group_object, OWN_GROUP, HERE),
    "everyone": (policy.group_object, HERE, HERE),
    "own-row": (policy.group_member_object, SELF, HERE),
    "row": (policy.group_member_object, OTHER, HERE),
    "groups": (policy.groups_object, HERE),
    "groups-site": (policy.groups_object, None),
    "rows": (policy.group_members_object, HERE),
    "self": (policy.user_object, SELF),
    "other": (policy.user_object, OTHER),
    "users": policy.USERS,
    "mine": (policy.api_tokens_object, SELF),
    "tok": (policy.api_tokens_object, OTHER),
    "price": policy.PRICE_BOOK,
    "use": policy.USAGE,
    "alert": policy.SPEND_ALERTS,
    "file": policy.SPEND_EXPORTS,
    "dir": policy.DIRECTORY,
    "log": (policy.audit_log_object, HERE),
    "logs": (policy.audit_log_object, None),
}
OBJECTS = {
    name: each if isinstance(each, Object) else each[0](*each[1:]) for name, each in COLUMNS.items()
}

# The subject is listed in own-group everywhere; outside its organization that row is stale.
# A letter is the first of an Action's name, in the enum's order; - is none. "@here": the role is
# held in the objects' organization; "@elsewhere": in another.
GROUP_TABLE = """
                                      group own-group everyone own-row row groups groups-site rows
owner                                 crud  crud      crud     r       r   crud   crud        r
user-admin                            crud  crud      crud     r       r   crud   crud        r
auditor                               r     r         r        r       r   r      r           r
template-admin                        r     r         r        r       r   r      r           r
member                                -     -         -        -       -   -      -           -
gateway                               -     -         -        -       -   -      -           -
organization-admin@here               crud  crud      crud     r       r   crud   -           r
organization-admin@elsewhere          -     -         -        -       -   -      -           -
organization-user-admin@here          crud  crud      crud     r       r   crud   -           r
organization-user-admin@elsewhere     -     -         -        -       -   -      -           -
organization-auditor@here             r     r         r        r       r   r      -           r
organization-auditor@elsewhere        -     -         -        -       -   -      -           -
organization-template-admin@here      r     r         r        r       r   r      -           r
organization-template-admin@elsewhere -     -         -        -       -   -      -           -
organization-member@here              -     r         r        r       -   -      -           -
organization-member@elsewhere         -     -         -        -       -   -      -           -
price-seeder                          -     -         -        -       -   -      -           -
directory-importer                    -     -         -        -       -   -      -           -
usage-ingester                        -     -         -        -       -   -      -           -
usage-importer                        -     -         -        -       -   -      -           -
usage-rerater                         -     -         -        -       -   -      -           -
usage-attributor                      -     -         -        -       -   -      -           -
alert-deliverer                       -     -         -        -       -   -      -           -
spend-exporter                        -     -         -        r       r   -      -           r
usage-expirer                         -     -         -        -       -   -      -           -
override-expirer                      -     -         -        -       -   -      -           -
"""
SITE_TABLE = """
                                      self other users mine tok price use alert file dir  log  logs
owner                                 ru   ru    ru    crd  rd  ru    cru -     -    crud crud crud
user-admin                            ru   ru    ru    crd  rd  -     -   -     -    crud -    -
auditor                               r    r     r     crd  -   r     r   -     -    -    r    r
template-admin                        r    r     r     crd  -   -     -   -     -    -    -    -
member                                r    -     -     crd  -   -     -   -     -    -    -    -
gateway                               r    r     r     crd  -   r     cr  -     -    -    -    -
organization-admin@here               r    r     r     crd  -   r     -   -     -    -    r    -
organization-admin@elsewhere          r    r     r     crd  -   r     -   -     -    -    -    -
organization-user-admin@here          r    r     r     crd  -   -     -   -     -    -    -    -
organization-user-admin@elsewhere     r    r     r     crd  -   -     -   -     -    -    -    -
organization-auditor@here             r    -     -     crd  -   -     -   -     -    -    r    -
organization-auditor@elsewhere        r    -     -     crd  -   -     -   -     -    -    -    -
organization-template-admin@here      r    -     -     crd  -   -     -   -     -    -    -    -
organization-template-admin@elsewhere r    -     -     crd  -   -     -   -     -    -    -    -
organization-member@here              r    -     -     crd  -   -     -   -     -    -    -    -
organization-member@elsewhere         r    -     -     crd  -   -     -   -     -    -    -    -
price-seeder                          -    -     -     -    -   u     -   -     -    -    -    -
directory-importer                    -    -     -     -    -   -     -   -     -    u    -    -
usage-ingester                        -    -     -     -    -   -     c   -     -    -    -    -
usage-importer                        -    -     -     -    -   -     c   -     -    -    -    -
usage-rerater                         -    -     -     -    -   -     u   -     -    -    -    -
usage-attributor                      -    -     -     -    -   -     u   -     -    -    -    -
alert-deliverer                       -    -     -     -    -   -     -   u     -    -    -    -
spend-exporter                        -    -     -     -    -   -     -   -     u    -    -    -
usage-expirer                         -    -     -     -    -   -     d   -     -    -    -    -
override-expirer                      u    u     u     -    -   -     -   -     -    -    -    -
"""

LETTERS = {action[0]: action for action in Action}
GROUP_HEADER, *GROUP_ROWS = (line.split() for line in GROUP_TABLE.strip().splitlines())
SITE_HEADER, *SITE_ROWS = (line.split() for line in SITE_TABLE.strip().splitlines())
HEADER = GROUP_HEADER + SITE_HEADER
ROWS = [group + site[1:] for group, site in zip(GROUP_ROWS, SITE_ROWS, strict=True)]
SYSTEM = {actor.name: actor.subject for actor in SYSTEM_ACTORS}


def subject_of(name: str, scope: Scope = UNLIMITED) -> Subject:
    if name in SYSTEM:
        return SYSTEM[name]
    role, _, place = name.partition("@")
    site = [role] if not place else []
    organizations = [({"here": HERE, "elsewhere": ELSEWHERE}[place], [role])] if place else []
    return Subject(SELF, roles_of_user(site, organizations), frozenset({OWN_GROUP}), scope)


def test_the_table_has_every_role_object_type_and_action() -> None:
    places = {f"{name}@{place}" for name in ORGANIZATION_ROLES for place in ("here", "elsewhere")}
    names = [row[0] for row in ROWS]
    assert names == [row[0] for row in SITE_ROWS]
    assert sorted(names) == sorted([*SITE_ROLES, *places, *SYSTEM])
    assert list(OBJECTS) == HEADER
    assert {each.type for each in OBJECTS.values()} == set(ResourceType)
    assert len(LETTERS) == len(Action), "two actions begin with the same letter"


def test_the_table_has_every_object_that_the_policy_makes() -> None:
    constructors = {
        each
        for _, each in inspect.getmembers(policy, inspect.isfunction)
        if inspect.signature(each).return_annotation is Object
    }
    constants = [each for each in vars(policy).values() if isinstance(each, Object)]
    assert {each[0] for each in COLUMNS.values() if isinstance(each, tuple)} == constructors
    assert [each for each in constants if each not in COLUMNS.values()] == []


def test_only_the_policy_makes_objects() -> None:
    layer = Path(policy.__file__).parents[1]
    makers = {
        path.relative_to(layer).as_posix()
        for path in layer.rglob("*.py")
        if re.search(r"(?<!\w)Object\(", path.read_text())
    }
    assert makers == {"rbac/policy.py"}


def test_every_system_actor_is_listed() -> None:
    actors = [each for each in vars(system).values() if isinstance(each, SystemActor)]
    assert list(SYSTEM_ACTORS) == actors
    assert len(SYSTEM) == len(actors), "two actors have the same name"
    assert not SYSTEM.keys() & SITE_ROLES.keys()


def test_only_prices_and_the_directory_are_refused_openly() -> None:
    assert {ResourceType.AI_MODEL_PRICE, ResourceType.DIRECTORY} == NO_SECRET


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_role_may_do_what_its_row_says_and_nothing_else(row: list[str]) -> None:
    name, *cells = row
    subject = subject_of(name)
    decisions = {
        column: "".join(
            letter
            for letter, action in LETTERS.items()
            if allowed(subject, action, OBJECTS[column])
        )
        or "-"
        for column in HEADER
    }
    assert decisions == dict(zip(HEADER, cells, strict=True))


def test_an_admin_elsewhere_who_is_a_member_here_reads_no_group_here() -> None:
    roles = roles_of_user([], [(ELSEWHERE, ["organization-admin"]), (HERE, [])])
    subject = Subject(SELF, roles)
    assert not allowed(subject, Action.READ, OBJECTS["group"])
    assert allowed(subject, Action.READ, OBJECTS["everyone"])


def scope(*permissions: Permission, ids: tuple[AllowedObject, ...] = (AllowedObject(),)) -> Scope:
    return Scope(Role(site=permissions), ids)


def test_a_scope_for_other_types_leaves_an_owner_nothing_here() -> None:
    subject = subject_of("owner", scope(Permission(ResourceType.AI_USAGE, "*")))
    assert not allowed(subject, Action.READ, OBJECTS["group"])


def test_an_allow_list_of_another_group_leaves_an_owner_nothing_here() -> None:
    only = (AllowedObject(ResourceType.GROUP, str(OWN_GROUP)),)
    subject = subject_of("owner", scope(Permission("*", "*"), ids=only))
    assert not allowed(subject, Action.UPDATE, OBJECTS["group"])
    assert allowed(subject, Action.UPDATE, OBJECTS["own-group"])


def test_a_scope_limits_what_an_access_list_gives() -> None:
    reads_prices = scope(Permission(ResourceType.AI_MODEL_PRICE, Action.READ))
    assert not allowed(
        subject_of("organization-member@here", reads_prices), Action.READ, OBJECTS["own-group"]
    )


def test_a_negated_permission_takes_nothing_from_an_access_list() -> None:
    against = Role(site=(Permission(ResourceType.GROUP, Action.READ, negate=True),))
    subject = Subject(SELF, (*roles_of_user([], [(HERE, [])]), against), frozenset({OWN_GROUP}))
    assert allowed(subject, Action.READ, OBJECTS["own-group"])


def test_an_unknown_role_name_grants_nothing() -> None:
    subject = Subject(SELF, roles_of_user(["root"], [(HERE, ["organization-root"])]))
    assert not allowed(subject, Action.READ, OBJECTS["group"])


def test_memberships_in_many_organizations_are_one_role() -> None:
    """The rule visits every role for each organization: once, 4,000 took half a minute."""
    names = list(ORGANIZATION_ROLES)
    held = [(UUID(int=n), names[: n % 6]) for n in range(1000)]
    many = roles_of_user([], held)
    assert len(many) == len(roles_of_user([], [])) == 2
    one_by_one = [role for each in held for role in roles_of_user([], [each])]
    for n in range(7):
        for obj in (policy.audit_log_object(UUID(int=n)), policy.groups_object(UUID(int=n))):
            for action in Action:
                verdict = allowed(Subject(SELF, many), action, obj)
                assert verdict == allowed(Subject(SELF, tuple(one_by_one)), action, obj)
