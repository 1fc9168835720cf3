"""The schema keeps each member of a group a member of its organization: what it refuses, and what a
deletion takes with it.
"""

import psycopg
import pytest

from tests.people import Acme
from tests.postgres import Database

JOIN = (
    "INSERT INTO group_members (group_id, user_id) SELECT g.id, u.id FROM groups AS g, users AS u"
    " WHERE g.name = %s AND u.username = %s ON CONFLICT (group_id, user_id) DO NOTHING"
)
"""Without the organization, which the trigger fills in."""

MEMBERS = (
    "SELECT g.name, u.username, gm.organization_id = g.organization_id FROM group_members AS gm"
    " JOIN groups AS g ON g.id = gm.group_id JOIN users AS u ON u.id = gm.user_id ORDER BY 1, 2"
)
OVERRIDE = (
    "INSERT INTO user_ai_budget_overrides (user_id, group_id, organization_id, spend_limit_micros)"
    " VALUES (%s, %s, %s, 5)"
)


def test_an_insert_without_an_organization_gets_the_one_of_the_group(
    database: Database,
) -> None:
    database.run(JOIN, "research", "maya")
    database.run(JOIN, "research", "maya")
    assert ("research", "maya", True) in database.rows(MEMBERS)


@pytest.mark.parametrize("username", ["gus", "nora"])
def test_a_stranger_to_the_organization_cannot_join_its_group(
    database: Database, username: str
) -> None:
    before = database.rows(MEMBERS)
    with pytest.raises(psycopg.errors.ForeignKeyViolation) as caught:
        database.run(JOIN, "platform", username)
    assert caught.value.diag.constraint_name == "group_members_organization_membership"
    assert database.rows(MEMBERS) == before


def test_a_membership_cannot_name_another_organization(database: Database, acme: Acme) -> None:
    insert = "INSERT INTO group_members (group_id, user_id, organization_id) VALUES (%s, %s, %s)"
    with pytest.raises(psycopg.errors.ForeignKeyViolation) as caught:
        database.run(
            insert, acme.groups["acme/platform"], acme.users["gus"], acme.organizations["globex"]
        )
    assert caught.value.diag.constraint_name == "group_members_group"


@pytest.mark.parametrize("group", ["acme/platform", "acme/Everyone"])
@pytest.mark.parametrize(
    ("statement", "stays_in_the_group", "takes_the_override"),
    [
        ("DELETE FROM group_members WHERE user_id = %(maya)s", False, {"acme/platform"}),
        (
            "DELETE FROM organization_members WHERE user_id = %(maya)s",
            False,
            {"acme/platform", "acme/Everyone"},
        ),
        ("DELETE FROM groups WHERE name = 'platform'", False, {"acme/platform"}),
        (
            "DELETE FROM organizations WHERE name = 'acme'",
            False,
            {"acme/platform", "acme/Everyone"},
        ),
        ("DELETE FROM users WHERE id = %(maya)s", False, {"acme/platform", "acme/Everyone"}),
        ("DELETE FROM organization_members WHERE user_id <> %(maya)s", True, set[str]()),
    ],
    ids=[
        "leaves the group",
        "leaves the organization",
        "no group",
        "no organization",
        "no user",
        "others leave",
    ],
)
def test_a_deletion_takes_memberships_and_overrides_and_audits_each_once(
    database: Database,
    acme: Acme,
    group: str,
    statement: str,
    stays_in_the_group: bool,
    takes_the_override: set[str],
) -> None:
    maya = acme.users["maya"]
    database.run(OVERRIDE, maya, acme.groups[group], acme.organizations["acme"])
    with database.connect() as owner:
        owner.execute(statement.encode(), {"maya": maya} if "%" in statement else None)
    assert database.rows("SELECT count(*) FROM group_members WHERE user_id = %s", maya) == [
        (int(stays_in_the_group),)
    ]
    audited = database.rows(
        "SELECT action, before FROM audit_log WHERE resource_type = 'user_ai_budget_override'"
    )
    left = database.rows("SELECT count(*) FROM user_ai_budget_overrides")
    if group in takes_the_override:
        assert audited == [
            ("delete", {"group_id": str(acme.groups[group]), "spend_limit_micros": 5})
        ]
        assert left == [(0,)]
    else:
        assert (audited, left) == ([], [(1,)])
