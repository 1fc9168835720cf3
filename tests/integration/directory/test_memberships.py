"""Who is in a group is in its organization, by the schema: what is refused, what goes along, and
how it came about.
"""

from pathlib import Path
from shutil import copy
from typing import Any

import psycopg
import pytest

from migrate import MIGRATIONS, migrate
from tests.people import Acme
from tests.postgres import Database, Server

JOIN = (
    "INSERT INTO group_members (group_id, user_id) SELECT g.id, u.id FROM groups AS g, users AS u"
    " WHERE g.name = %s AND u.username = %s ON CONFLICT (group_id, user_id) DO NOTHING"
)
"""As the code before the column wrote it, and as one does at a prompt."""

MEMBERS = (
    "SELECT g.name, u.username, gm.organization_id = g.organization_id FROM group_members AS gm"
    " JOIN groups AS g ON g.id = gm.group_id JOIN users AS u ON u.id = gm.user_id ORDER BY 1, 2"
)
OVERRIDE = "INSERT INTO user_ai_budget_overrides (user_id, group_id, organization_id, spend_limit_micros) VALUES (%s, %s, %s, 5)"


def test_an_insert_that_does_not_say_the_organization_gets_that_of_the_group(
    database: Database,
) -> None:
    database.run(JOIN, "research", "maya")
    database.run(JOIN, "research", "maya")
    assert ("research", "maya", True) in database.rows(MEMBERS)


@pytest.mark.parametrize("username", ["gus", "nora"])
def test_who_is_not_in_the_organization_cannot_be_in_its_group(
    database: Database, username: str
) -> None:
    before = database.rows(MEMBERS)
    with pytest.raises(psycopg.errors.ForeignKeyViolation) as caught:
        database.run(JOIN, "platform", username)
    assert caught.value.diag.constraint_name == "group_members_organization_membership"
    assert database.rows(MEMBERS) == before


def test_a_membership_cannot_name_another_organization_than_the_groups(
    database: Database, acme: Acme
) -> None:
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
def test_what_goes_takes_memberships_and_overrides_along_each_told_once(
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
    told = database.rows(
        "SELECT action, before FROM audit_log WHERE resource_type = 'user_ai_budget_override'"
    )
    left = database.rows("SELECT count(*) FROM user_ai_budget_overrides")
    if group in takes_the_override:
        assert told == [("delete", {"group_id": str(acme.groups[group]), "spend_limit_micros": 5})]
        assert left == [(0,)]
    else:
        assert (told, left) == ([], [(1,)])


def test_rows_without_membership_are_gone_after_the_migration(
    server: Server, tmp_path: Path
) -> None:
    """Those that counted stay, with their overrides, and whoever writes between the two files needs
    to know of neither.
    """
    files = [path for path in sorted(MIGRATIONS.glob("*.sql")) if path.name < "0019"]
    for path in files[:-1]:
        copy(path, tmp_path)
    with server.database() as database, database.connect() as owner:
        migrate(owner, tmp_path)
        for organization in ("acme", "globex"):
            owner.execute("INSERT INTO organizations (name) VALUES (%s)", (organization,))
        for name in ("maya", "otto", "gus", "nora"):
            owner.execute("INSERT INTO users (username) VALUES (%s)", (name,))
        owner.execute(
            "INSERT INTO groups (organization_id, name) SELECT id, 'platform' FROM organizations WHERE name = 'acme'"
        )
        owner.execute(
            "INSERT INTO organization_members SELECT o.id, u.id FROM organizations AS o, users AS u"
            " WHERE (o.name, u.username) IN (('acme', 'maya'), ('acme', 'otto'), ('globex', 'gus'))"
        )
        for name in ("maya", "gus", "nora"):
            owner.execute(JOIN.encode(), ("platform", name))
        owner.execute(
            "INSERT INTO user_ai_budget_overrides (user_id, group_id, organization_id, spend_limit_micros)"
            " SELECT u.id, g.id, g.organization_id, 5 FROM users AS u, groups AS g"
            " WHERE u.username = 'maya' AND g.name = 'platform'"
        )
        copy(files[-1], tmp_path)
        assert migrate(owner, tmp_path) == [files[-1].name]
        owner.execute(JOIN.encode(), ("platform", "otto"))
        migrate(owner)
        kept: list[tuple[Any, ...]] = [("platform", "maya", True), ("platform", "otto", True)]
        assert database.rows(MEMBERS) == kept
        assert database.rows("SELECT spend_limit_micros FROM user_ai_budget_overrides") == [(5,)]
        assert database.rows("SELECT count(*) FROM audit_log") == [(0,)]
