"""The primary group of a user: set by an import, audited, and gone with the membership."""

from typing import Any

import pytest

from tests.directory_documents import apply, problems
from tests.people import Acme
from tests.postgres import Database

PRIMARY = "SELECT primary_group_id FROM users WHERE username = 'maya'"
AUDITED = (
    "SELECT before ->> 'primary_group', after ->> 'primary_group' FROM audit_log"
    " WHERE resource_type = 'user' AND user_id = %s AND action = 'update' ORDER BY id"
)
ADDED = {"name": "acme", "groups": ["platform", "research"]}


def bring(**keys: Any) -> None:
    apply({"users": [{"username": "maya", **keys}]})


@pytest.mark.parametrize(
    ("document", "group"),
    [
        ({"users": [{"username": "maya", "primary_group": None}]}, "platform"),
        (
            {"users": [{"username": "maya", "organizations": [{"name": "acme", "groups": []}]}]},
            "platform",
        ),
        ({"organizations": [{"name": "acme", "groups": ["research"]}]}, "platform"),
        ({"users": [{"username": "maya", "organizations": []}]}, "platform"),
        ({"users": [{"username": "maya", "organizations": []}]}, "Everyone"),
        ({"users": [{"username": "maya", "status": "deleted"}]}, "Everyone"),
    ],
    ids=["null", "leaves", "group goes", "organization", "its Everyone", "deleted"],
)
def test_a_primary_group_ends_with_the_membership_and_both_are_logged(
    database: Database, acme: Acme, document: dict[str, Any], group: str
) -> None:
    bring(primary_group=f"acme/{group}")
    assert database.rows(PRIMARY) == [(acme.groups[f"acme/{group}"],)]
    # An import that does not name it changes nothing.
    bring(email="other@acme.example")
    bring(primary_group=f"acme/{group}")
    apply(document)
    assert database.rows(PRIMARY) == [(None,)]
    name = f"acme/{group}"
    assert database.rows(AUDITED, acme.users["maya"]) == [(None, name), (name, name), (name, None)]


def test_the_groups_of_others_stay(database: Database, acme: Acme) -> None:
    bring(organizations=[ADDED], primary_group="acme/research")
    apply({"users": [{"username": "otto", "primary_group": "acme/Everyone"}]})
    bring(organizations=[{"name": "acme", "groups": ["research"]}])
    apply({"users": [{"username": "otto", "organizations": []}]})
    assert database.rows(
        "SELECT username, primary_group_id FROM users WHERE primary_group_id IS NOT NULL"
    ) == [("maya", acme.groups["acme/research"])]


def test_a_group_that_an_import_adds_may_be_the_primary_one(database: Database) -> None:
    ids = apply(
        {
            "organizations": [{"name": "new", "groups": ["first"]}],
            "users": [
                {
                    "username": "maya",
                    "organizations": [{"name": "new", "groups": ["first"]}],
                    "primary_group": "new/first",
                }
            ],
        }
    )
    assert [str(each) for (each,) in database.rows(PRIMARY)] == [ids["groups"]["new/first"]]


@pytest.mark.parametrize(
    ("group", "more", "problem"),
    [
        ("acme/research", {}, '"maya" is no member of "acme/research"'),
        ("globex/Everyone", {}, '"maya" is no member of "globex/Everyone"'),
        ("acme/none", {}, 'no group "acme/none"'),
        ("none/none", {}, 'no group "none/none"'),
        ("platform", {}, "must be an organization and a group of it, like acme/platform"),
        ("acme/", {}, "must be an organization and a group of it, like acme/platform"),
        (5, {}, "must be a string"),
        (
            "globex/sales",
            {"organizations": [{"name": "globex", "deleted": True}]},
            '"globex" is deleted by organizations[0]',
        ),
    ],
)
def test_a_group_that_is_not_the_users_own_is_a_problem(
    database: Database, group: object, more: dict[str, Any], problem: str
) -> None:
    others = [{"username": "otto", "email": "new@acme.example"}]
    document = {"users": [*others, {"username": "maya", "primary_group": group}]} | more
    assert problems(document) == [f"users[1].primary_group: {problem}"]
    assert database.rows("SELECT count(*) FROM users WHERE email = 'new@acme.example'") == [(0,)]
