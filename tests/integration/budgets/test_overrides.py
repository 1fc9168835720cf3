"""GET, PUT, DELETE /api/v2/users/{user}/ai/budget/override, and how membership holds an override."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from typing import Any
from uuid import UUID

import psycopg
import pytest

import import_directory
from tests.gateway import Answer, Client, Context
from tests.people import Acme
from tests.postgres import Database

NOT_FOUND = {"message": "Resource not found or you do not have access to this resource"}
NOT_A_MEMBER = {
    "message": "User is not a member of the referenced group.",
    "validations": [{"field": "group_id", "detail": "The user must be a member of this group."}],
}
MAYA = "/api/v2/users/maya/ai/budget/override"


@pytest.fixture
def olivia(acme: Acme) -> Client:
    """Update on a user is the owner's and the user-admin's alone."""
    return acme.client("olivia")


def limit(acme: Acme, micros: int = 5, group: str = "acme/platform") -> dict[str, object]:
    return {"group_id": str(acme.groups[group]), "spend_limit_micros": micros}


def entries(database: Database) -> list[tuple[Any, ...]]:
    return database.rows(
        "SELECT actor_name, action, before, after, group_id, request_id FROM audit_log"
        " WHERE resource_type = 'user_ai_budget_override' ORDER BY id"
    )


def without_request_id(answer: Answer) -> tuple[int, dict[str, str], str]:
    return (
        answer.status,
        {k: v for k, v in answer.headers.items() if k != "X-Request-Id"},
        answer.body,
    )


def import_(document: dict[str, object]) -> None:
    import_directory.handler(document, Context())


@pytest.mark.parametrize("ending", ["/ai/budget/override", "/ai/budget"])
def test_an_override_is_set_read_and_deleted(olivia: Client, acme: Acme, ending: str) -> None:
    path = f"/api/v2/users/maya{ending}"
    assert olivia.get(path).json() == NOT_FOUND
    put = olivia.put(path, limit(acme))
    assert put.status == 200
    assert put.json() == {
        "user_id": str(acme.users["maya"]),
        **limit(acme),
        "created_at": put.json()["created_at"],
        "updated_at": put.json()["updated_at"],
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", put.json()["created_at"])
    for user in ("maya", str(acme.users["maya"]), str(acme.users["maya"]).upper()):
        got = olivia.get(path.replace("maya", user))
        assert (got.status, got.json(), got.headers["ETag"]) == (
            200,
            put.json(),
            put.headers["ETag"],
        )
    deleted = olivia.delete(path)
    assert (deleted.status, deleted.body) == (204, "")
    assert olivia.get(path).json() == NOT_FOUND
    assert olivia.delete(path).json() == NOT_FOUND


def test_me_is_the_caller(olivia: Client, acme: Acme, maya: Client) -> None:
    olivia.put(MAYA, limit(acme))
    assert maya.get("/api/v2/users/me/ai/budget/override").json()["user_id"] == str(
        acme.users["maya"]
    )
    assert olivia.get("/api/v2/users/me/ai/budget/override").status == 404


def test_everyone_in_an_organization_is_in_its_everyone_group(olivia: Client, acme: Acme) -> None:
    assert olivia.put(MAYA, limit(acme, group="acme/Everyone")).status == 200
    assert olivia.get(MAYA).json()["group_id"] == str(acme.organizations["acme"])


@pytest.mark.parametrize("group", ["acme/research", "globex/sales", "globex/Everyone"])
def test_the_user_must_be_a_member_of_the_group(
    olivia: Client, acme: Acme, database: Database, group: str
) -> None:
    olivia.put(MAYA, limit(acme, 1))
    refused = olivia.put(MAYA, limit(acme, 2, group))
    assert (refused.status, refused.json()) == (400, NOT_A_MEMBER)
    assert olivia.get(MAYA).json()["spend_limit_micros"] == 1
    assert len(entries(database)) == 1


def test_the_schema_itself_refuses_an_override_without_membership(
    acme: Acme, database: Database
) -> None:
    insert = (
        "INSERT INTO user_ai_budget_overrides (user_id, group_id, organization_id, "
        "spend_limit_micros) VALUES (%s, %s, %s, 1)"
    )
    maya, platform, acme_id = (
        acme.users["maya"],
        acme.groups["acme/platform"],
        acme.organizations["acme"],
    )
    for group, organization in (
        (acme.groups["acme/research"], acme_id),
        (platform, acme.organizations["globex"]),
        (UUID(int=3), acme_id),
        (acme.organizations["globex"], acme.organizations["globex"]),
    ):
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            database.run(insert, maya, group, organization)
    database.run(insert, maya, platform, acme_id)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("username", ["maya", "otto"])
def test_a_refusal_looks_like_an_absence(
    olivia: Client, acme: Acme, username: str, method: str
) -> None:
    olivia.put("/api/v2/users/adam/ai/budget/override", limit(acme, group="acme/Everyone"))
    client, body = acme.client(username), '{"spend_limit_micros": 1}' if method == "PUT" else None
    refused = client.send(method, "/api/v2/users/adam/ai/budget/override", body=body)
    for nobody in ("nobody", str(UUID(int=5)), "a%20b", "%00"):
        assert without_request_id(refused) == without_request_id(
            client.send(method, f"/api/v2/users/{nobody}/ai/budget/override", body=body)
        )
    assert (refused.status, refused.json()) == (404, NOT_FOUND)


@pytest.mark.parametrize("username", ["adam", "maya"])
def test_who_may_read_but_not_update_is_refused_after_the_body_is_read(
    olivia: Client, acme: Acme, database: Database, username: str
) -> None:
    olivia.put(MAYA, limit(acme, 1))
    client = acme.client(username)
    assert client.get(MAYA).status == 200
    assert client.put(MAYA, {}).json()["message"] == "Validation failed."
    assert client.put(MAYA, limit(acme, 2)).json() == NOT_FOUND
    assert client.delete(MAYA).json() == NOT_FOUND
    assert (olivia.get(MAYA).json()["spend_limit_micros"], len(entries(database))) == (1, 1)


def test_a_group_that_the_caller_may_not_update_looks_like_none(
    acme: Acme, database: Database
) -> None:
    scope = {
        "site": [{"resource_type": "*", "action": "*"}],
        "allow_list": [{"type": "user", "id": "*"}, {"type": "group", "id": "acme/research"}],
    }
    imported = import_directory.handler(
        {"tokens": [{"username": "olivia", "name": "narrow", "scope": scope}]}, Context()
    )
    narrow = Client(imported["tokens"]["olivia/narrow"])
    absent = narrow.put(MAYA, {"group_id": str(UUID(int=5)), "spend_limit_micros": 1})
    assert without_request_id(narrow.put(MAYA, limit(acme))) == without_request_id(absent)
    assert absent.json() == NOT_FOUND
    acme.client("olivia").put(MAYA, limit(acme))
    assert narrow.delete(MAYA).json() == NOT_FOUND
    assert [entry[1] for entry in entries(database)] == ["create"]


@pytest.mark.parametrize(
    ("body", "field", "detail"),
    [
        ({"spend_limit_micros": 1}, "group_id", "Required."),
        ({"group_id": 7, "spend_limit_micros": 1}, "group_id", "Must be a string."),
        (
            {"group_id": "7", "spend_limit_micros": 1},
            "group_id",
            "Must be a UUID of 36 characters with hyphens.",
        ),
        ({"group_id": None, "spend_limit_micros": 1}, "group_id", "Must be a string."),
        (
            {"group_id": str(UUID(int=5)), "spend_limit_micros": -1},
            "spend_limit_micros",
            "Must not be negative.",
        ),
        (
            {"group_id": str(UUID(int=5)), "spend_limit_micros": "1"},
            "spend_limit_micros",
            "Must be a whole number.",
        ),
        ({"group_id": str(UUID(int=5)), "spend_limit_micros": 1, "x": 1}, "x", "Unknown field."),
    ],
)
def test_a_bad_body_names_the_field(olivia: Client, body: object, field: str, detail: str) -> None:
    answer = olivia.put(MAYA, body)
    assert (answer.status, answer.json()["message"]) == (400, "Validation failed.")
    assert answer.json()["validations"] == [{"field": field, "detail": detail}]


def test_the_cap_has_words_of_its_own(olivia: Client, acme: Acme) -> None:
    assert olivia.put(MAYA, limit(acme, 10**12)).status == 200
    assert olivia.put(MAYA, limit(acme, 10**12 + 1)).json() == {
        "message": "Invalid AI spend limit.",
        "validations": [
            {"field": "spend_limit_micros", "detail": "Must not exceed 1000000000000."}
        ],
    }


def test_if_match_protects_an_override_too(olivia: Client, acme: Acme) -> None:
    tag = olivia.put(MAYA, limit(acme), headers={"If-None-Match": "*"}).headers["ETag"]
    assert olivia.put(MAYA, limit(acme), headers={"If-None-Match": "*"}).status == 412
    moved = olivia.put(MAYA, limit(acme, 6, "acme/Everyone"), headers={"If-Match": tag})
    assert moved.status == 200
    assert olivia.delete(MAYA, headers={"If-Match": tag}).status == 412
    assert olivia.delete(MAYA, headers={"If-Match": moved.headers["ETag"]}).status == 204


def test_every_change_leaves_an_entry(
    olivia: Client, acme: Acme, adam: Client, database: Database
) -> None:
    olivia.put(MAYA, limit(acme, 1))
    olivia.put(MAYA, limit(acme, 2, "acme/Everyone"))
    olivia.delete(MAYA)
    olivia.delete(MAYA)
    before, after = limit(acme, 1), limit(acme, 2, "acme/Everyone")
    assert [entry[:4] for entry in entries(database)] == [
        ("olivia", "create", None, before),
        ("olivia", "update", before, after),
        ("olivia", "delete", after, None),
    ]
    told = adam.get(f"/api/v2/audit?user={acme.users['maya']}&limit=3").json()["entries"]
    assert [entry["action"] for entry in told] == ["delete", "update", "create"]


@pytest.mark.parametrize(
    "document",
    [
        {"users": [{"username": "maya", "organizations": [{"name": "acme", "groups": []}]}]},
        {"users": [{"username": "maya", "organizations": []}]},
        {"organizations": [{"name": "acme", "groups": ["research"]}]},
    ],
    ids=["leaves the group", "leaves the organization", "the group is deleted"],
)
def test_leaving_the_group_removes_the_override_and_the_log_tells(
    olivia: Client, acme: Acme, database: Database, document: dict[str, object]
) -> None:
    olivia.put(MAYA, limit(acme))
    import_(document)
    assert database.rows("SELECT 1 FROM user_ai_budget_overrides") == []
    (_, removed) = entries(database)
    assert removed[:5] == (
        "directory-importer",
        "delete",
        limit(acme),
        None,
        acme.groups["acme/platform"],
    )
    ((request_id,),) = database.rows(
        "SELECT DISTINCT request_id FROM audit_log WHERE action = 'delete'"
    )
    assert removed[5] == request_id, "the import's own"


def test_leaving_the_organization_removes_an_override_of_everyone(
    olivia: Client, acme: Acme, database: Database
) -> None:
    olivia.put(MAYA, limit(acme, group="acme/Everyone"))
    import_({"users": [{"username": "maya", "organizations": [{"name": "acme", "groups": []}]}]})
    assert olivia.get(MAYA).status == 200
    import_({"users": [{"username": "maya", "organizations": []}]})
    assert [entry[1] for entry in entries(database)] == ["create", "delete"]


def test_leaving_another_group_leaves_the_override(
    olivia: Client, acme: Acme, database: Database
) -> None:
    olivia.put(MAYA, limit(acme, group="acme/Everyone"))
    database.run("DELETE FROM group_members WHERE user_id = %s", acme.users["maya"])
    assert olivia.get(MAYA).status == 200


def test_a_membership_that_is_taken_away_by_hand_is_told_by_the_login(
    olivia: Client, acme: Acme, database: Database
) -> None:
    olivia.put(MAYA, limit(acme))
    database.run("DELETE FROM group_members WHERE user_id = %s", acme.users["maya"])
    ((login,),) = database.rows("SELECT session_user::text")
    assert entries(database)[-1][:2] == (login, "delete")


def test_an_override_in_a_deleted_organization_counts_for_nothing(
    olivia: Client, acme: Acme, database: Database
) -> None:
    olivia.put(MAYA, limit(acme))
    database.run(
        "UPDATE organizations SET deleted_at = now(), is_default = false WHERE name = 'acme'"
    )
    assert olivia.get(MAYA).status == 404
    assert olivia.delete(MAYA).status == 404
    assert olivia.put(MAYA, limit(acme)).status == 404


def test_a_deleted_user_has_no_budget(olivia: Client, acme: Acme) -> None:
    olivia.put(MAYA, limit(acme))
    import_({"users": [{"username": "maya", "status": "suspended"}]})
    assert olivia.get(MAYA).status == 200
    import_({"users": [{"username": "maya", "status": "deleted"}]})
    assert olivia.get(MAYA).json() == NOT_FOUND


@pytest.mark.parametrize(
    "delete",
    [
        "DELETE FROM group_members WHERE group_id = %(group)s AND user_id = %(user)s",
        "DELETE FROM organization_members WHERE organization_id = %(organization)s AND user_id = "
        "%(user)s",
    ],
    ids=["of the group", "of the organization"],
)
def test_writers_and_imports_at_once_neither_lock_up_nor_break_the_chain(
    olivia: Client, acme: Acme, database: Database, delete: str
) -> None:
    """Overrides are written while memberships come and go: every entry begins where the last one
    ended.
    """
    stop = threading.Event()
    join = (
        "INSERT INTO organization_members VALUES (%(organization)s, %(user)s) ON CONFLICT DO "
        "NOTHING",
        "INSERT INTO group_members VALUES (%(group)s, %(user)s) ON CONFLICT DO NOTHING",
    )
    membership = {
        "organization": acme.organizations["acme"],
        "group": acme.groups["acme/platform"],
        "user": acme.users["maya"],
    }

    def come_and_go() -> None:
        with database.connect() as owner:
            while not stop.is_set():
                with suppress(psycopg.errors.LockNotAvailable):
                    for statement in (delete, *join):
                        owner.execute(statement.encode(), membership)

    with ThreadPoolExecutor(1) as pool:
        moving = pool.submit(come_and_go)
        try:
            statuses = [
                (olivia.put(MAYA, limit(acme, n)) if n % 5 else olivia.delete(MAYA)).status
                for n in range(1, 120)
            ]
        finally:
            stop.set()
        moving.result()
    assert set(statuses) <= {200, 204, 400, 404, 412}, "503 would be a deadlock"
    chain = entries(database)
    assert all(later[2] == earlier[3] for earlier, later in pairwise(chain))
    assert 200 in statuses
