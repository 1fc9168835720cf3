"""ImportDirectory: a present key is applied exactly, an absent key changes nothing."""

import time
from typing import Any

import pytest

import import_directory
from allowance.errors import ImportRunning
from tests.directory_documents import apply, problems
from tests.gateway import Client, Context
from tests.people import DIRECTORY, Acme
from tests.postgres import Database


def test_the_answer_names_ids_and_each_new_token_once(empty_database: Database) -> None:
    first = apply(DIRECTORY)
    assert first["organizations"].keys() == {"acme", "globex"}
    assert first["groups"].keys() == {
        "acme/Everyone", "acme/platform", "acme/research", "globex/Everyone", "globex/sales",
    }  # fmt: skip
    assert first["groups"]["acme/Everyone"] == first["organizations"]["acme"]
    assert first["users"].keys() == {"olivia", "adam", "maya", "otto", "ana", "gus", "nora"}
    assert first["tokens"].keys() == {f"{name}/test" for name in first["users"]}
    for name, token in first["tokens"].items():
        assert Client(token).get("/api/v2/users/me").json()["username"] == name.partition("/")[0]
    again = apply(DIRECTORY)
    assert again == first | {"tokens": {}}


def test_only_a_hash_of_the_secret_is_stored(empty_database: Database) -> None:
    secrets = [token.rpartition("_")[2] for token in apply(DIRECTORY)["tokens"].values()]
    everything = str(
        empty_database.rows(
            "SELECT t::text FROM api_tokens t UNION ALL SELECT a::text FROM audit_log a"
        )
    )
    assert not [secret for secret in secrets if secret in everything]


def test_importing_again_changes_nothing_and_writes_no_entry(database: Database) -> None:
    before = database.rows("SELECT max(id) FROM audit_log")
    versions = "SELECT xmin::text, username FROM users ORDER BY username"
    rows = database.rows(versions)
    apply(DIRECTORY)
    assert database.rows("SELECT max(id) FROM audit_log") == before
    assert database.rows(versions) == rows


def test_an_absent_key_leaves_that_part_as_it_is(database: Database, acme: Acme) -> None:
    apply({"users": [{"username": "maya"}], "organizations": [{"name": "acme"}]})
    me = acme.client("maya").get("/api/v2/users/me").json()
    assert (me["email"], [each["name"] for each in me["organizations"]]) == (
        "maya@acme.example",
        ["acme"],
    )
    assert acme.client("maya").get(f"/api/v2/groups/{acme.groups['acme/platform']}").status == 200
    assert database.rows("SELECT name FROM organizations WHERE is_default") == [("acme",)]


def test_a_present_key_is_brought_to_exactly_that(database: Database, acme: Acme) -> None:
    apply(
        {
            "users": [
                {
                    "username": "maya",
                    "email": None,
                    "roles": ["auditor"],
                    "organizations": [
                        {"name": "globex", "roles": ["organization-auditor"], "groups": ["sales"]},
                        {"name": "acme", "groups": ["research"]},
                    ],
                }
            ]
        }
    )
    me = acme.client("maya").get("/api/v2/users/me").json()
    assert (me["email"], me["roles"]) == (None, ["auditor"])
    assert {each["name"]: each["roles"] for each in me["organizations"]} == {
        "acme": [],
        "globex": ["organization-auditor"],
    }
    groups = (
        "SELECT g.name FROM group_members JOIN groups g ON g.id = group_id WHERE user_id = "
        "%s ORDER BY 1"
    )
    assert database.rows(groups, acme.users["maya"]) == [("research",), ("sales",)]
    apply({"users": [{"username": "maya", "roles": [], "organizations": []}]})
    me = acme.client("maya").get("/api/v2/users/me").json()
    assert (me["roles"], me["organizations"]) == ([], [])
    assert database.rows(groups, acme.users["maya"]) == []


def test_leaving_an_organization_leaves_its_groups(database: Database, acme: Acme) -> None:
    apply({"users": [{"username": "maya", "organizations": [{"name": "globex"}]}]})
    assert database.rows("SELECT 1 FROM group_members WHERE user_id = %s", acme.users["maya"]) == []
    assert acme.client("maya").get(f"/api/v2/groups/{acme.groups['acme/platform']}").status == 404


def test_roles_that_are_not_given_stay_when_groups_change(database: Database, acme: Acme) -> None:
    apply(
        {
            "users": [
                {"username": "adam", "organizations": [{"name": "acme", "groups": ["platform"]}]}
            ]
        }
    )
    me = acme.client("adam").get("/api/v2/users/me").json()
    assert me["organizations"][0]["roles"] == ["organization-admin"]


def test_naming_another_default_moves_the_flag(database: Database) -> None:
    default = "SELECT name FROM organizations WHERE is_default"
    apply({"organizations": [{"name": "globex", "is_default": True}]})
    assert database.rows(default) == [("globex",)]
    apply(
        {
            "organizations": [
                {"name": "new", "is_default": True},
                {"name": "globex", "is_default": False},
            ]
        }
    )
    assert database.rows(default) == [("new",)]
    apply({"organizations": [{"name": "acme", "is_default": False}]})
    assert database.rows(default) == [("new",)]
    apply({"organizations": [{"name": "new", "is_default": False}]})
    assert database.rows(default) == []


def test_the_organization_that_is_listed_first_is_joined_first(empty_database: Database) -> None:
    organizations = [{"name": name} for name in ("b", "c", "a")]
    token = apply(
        {
            "organizations": organizations,
            "users": [{"username": "u", "organizations": organizations}],
            "tokens": [{"username": "u", "name": "t"}],
        }
    )["tokens"]["u/t"]
    me = Client(token).get("/api/v2/users/me").json()
    assert [each["name"] for each in me["organizations"]] == ["b", "c", "a"]


def test_a_suspension_counts_at_once_and_can_be_taken_back(database: Database, acme: Acme) -> None:
    apply({"users": [{"username": "maya", "status": "suspended"}]})
    assert acme.client("maya").get("/api/v2/users/me").status == 401
    apply({"users": [{"username": "maya", "status": "active"}]})
    assert acme.client("maya").get("/api/v2/users/me").status == 200


def test_an_address_can_change_hands_within_one_document(database: Database) -> None:
    apply(
        {
            "users": [
                {"username": "maya", "email": "otto@acme.example"},
                {"username": "otto", "email": "MAYA@acme.example"},
            ]
        }
    )
    assert database.rows(
        "SELECT email FROM users WHERE username IN ('maya', 'otto') ORDER BY username"
    ) == [
        ("otto@acme.example",),
        ("MAYA@acme.example",),
    ]


def test_a_deleted_user_gives_the_address_free_and_cannot_come_back_to_it(
    database: Database,
) -> None:
    apply(
        {
            "users": [
                {"username": "maya", "status": "deleted"},
                {"username": "new", "email": "maya@acme.example"},
            ]
        }
    )
    assert problems({"users": [{"username": "maya", "status": "active"}]}) == [
        'users[0].email: "maya@acme.example" is the address of "new"'
    ]


def test_a_document_of_thousands_is_taken_in_seconds(empty_database: Database) -> None:
    def document(count: int) -> dict[str, Any]:
        names = [f"u{n}" for n in range(count)]
        organizations = [{"name": "big", "groups": ["g"]}]
        users = [
            {"username": name, "organizations": [{"name": "big", "groups": ["g"]}]}
            for name in names
        ]
        return {"organizations": organizations, "users": users}

    times = [time.monotonic()]
    for count in (1000, 4000):
        assert len(apply(document(count))["users"]) == count
        times.append(time.monotonic())
    few, many = times[1] - times[0], times[2] - times[1]
    # On a busy machine both take longer.
    assert few + many < 10 or many < 10 * few, "it was quadratic once: 26 s"


def test_a_second_import_at_once_raises_import_running(database: Database) -> None:
    with database.connect() as other, other.transaction():
        other.execute("SELECT pg_advisory_xact_lock(hashtext('allowance.directory'))")
        with pytest.raises(ImportRunning):
            import_directory.handler(DIRECTORY, Context())
    assert import_directory.handler(DIRECTORY, Context())["tokens"] == {}


def test_rejoining_an_organization_revives_no_membership_of_its_groups(
    acme: Acme,
) -> None:
    path = f"/api/v2/groups/{acme.groups['globex/sales']}"
    for organizations, status in (
        ([{"name": "globex", "groups": ["sales"]}], 200),
        ([{"name": "globex"}], 200),
        ([], 404),
        ([{"name": "globex"}], 404),
    ):
        apply({"users": [{"username": "nora", "organizations": organizations}]})
        assert acme.client("nora").get(path).status == status
