"""Deleting a user ends roles, memberships, overrides and tokens. The user starts with none of them
when a document makes the user active again.
"""

from typing import Any

import pytest

from tests.directory_documents import apply, problems
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database

DELETED = {"users": [{"username": "maya", "status": "deleted"}]}
BACK = {"users": [{"username": "maya", "status": "active"}]}
TOKEN = {"username": "maya", "name": "test"}


def me(token: str) -> dict[str, Any]:
    return Client(token).get("/api/v2/users/me").json()


def entries(database: Database, after: int) -> list[tuple[Any, ...]]:
    return database.rows(
        "SELECT resource_type, action, before, after FROM audit_log WHERE id > %s"
        " ORDER BY resource_type, id",
        after,
    )


def last_entry(database: Database) -> int:
    return database.rows("SELECT max(id) FROM audit_log")[0][0]


def test_a_deletion_ends_everything_and_audits_each(database: Database, acme: Acme) -> None:
    apply({"users": [{"username": "maya", "roles": ["auditor"]}]})
    override = {"group_id": str(acme.groups["acme/platform"]), "spend_limit_micros": 5}
    path = "/api/v2/users/maya/ai/budget/override"
    assert acme.client("olivia").put(path, override).status == 200
    before = last_entry(database)
    apply(DELETED)
    user = {"username": "maya", "email": "maya@acme.example"}
    token = {"name": "test", "scope": None, "expires_at": None}
    assert entries(database, before) == [
        ("api_token", "update", token | {"revoked": False}, token | {"revoked": True}),
        ("organization_member", "delete", {"roles": [], "groups": ["platform"]}, None),
        (
            "user",
            "update",
            user | {"status": "active", "roles": ["auditor"]},
            user | {"status": "deleted", "roles": []},
        ),
        ("user_ai_budget_override", "delete", override, None),
    ]
    assert acme.client("maya").get("/api/v2/users/me").status == 401
    before = last_entry(database)
    apply(DELETED)
    assert last_entry(database) == before, "once is enough"


def test_a_user_who_comes_back_has_the_same_id_and_nothing_else(
    database: Database, acme: Acme
) -> None:
    apply({"users": [{"username": "maya", "roles": ["owner"]}]})
    apply(DELETED)
    back = apply(BACK)
    assert back["users"]["maya"] == str(acme.users["maya"])
    assert acme.client("maya").get("/api/v2/users/me").status == 401
    new = apply({"tokens": [{"username": "maya", "name": "new"}]})["tokens"]["maya/new"]
    assert (me(new)["roles"], me(new)["organizations"]) == ([], [])


def test_the_document_that_brings_a_user_back_may_give_everything(
    database: Database, acme: Acme
) -> None:
    apply({"tokens": [TOKEN | {"name": "old"}]})
    apply({"tokens": [TOKEN | {"name": "old", "revoked": True}]})
    apply(DELETED)
    given = {
        "username": "maya",
        "status": "active",
        "roles": ["auditor"],
        "organizations": [{"name": "acme", "groups": ["research"]}],
    }
    tokens = [TOKEN, TOKEN | {"name": "old"}]
    for _ in range(2):
        answer = apply({"users": [given], "tokens": tokens})
        assert answer["tokens"].keys() == {"maya/test", "maya/old"}, "the names are free again"
        maya = me(answer["tokens"]["maya/test"])
        assert (maya["roles"], maya["organizations"][0]["name"]) == (["auditor"], "acme")
        assert answer["tokens"]["maya/test"] != acme.tokens["maya/test"]
        assert acme.client("maya").get("/api/v2/users/me").status == 401
        assert apply({"users": [given], "tokens": tokens})["tokens"] == {}
        apply(DELETED)
        assert Client(answer["tokens"]["maya/test"]).get("/api/v2/users/me").status == 401
    # The rows of dead tokens stay, with the time of their last use.
    names = "SELECT name FROM api_tokens WHERE user_id = %s ORDER BY created_at"
    assert len(database.rows(names, acme.users["maya"])) == 6


def test_a_token_of_before_the_deletion_cannot_be_revoked_after_it(database: Database) -> None:
    apply(DELETED)
    assert problems(BACK | {"tokens": [TOKEN | {"revoked": True}]}) == [
        'tokens[0].name: "maya" has no token "test" to revoke'
    ]


@pytest.mark.parametrize("status", [{}, {"status": "deleted"}])
def test_a_deleted_user_gets_nothing_that_a_document_lists(
    database: Database, acme: Acme, status: dict[str, str]
) -> None:
    apply(DELETED)
    full = {"username": "maya", "roles": ["owner"], "organizations": [{"name": "acme"}]} | status
    answer = apply({"users": [full], "tokens": [TOKEN, TOKEN | {"name": "new"}]})
    assert answer["tokens"] == {}
    assert database.rows(
        "SELECT roles, (SELECT count(*) FROM organization_members WHERE user_id = u.id),"
        " (SELECT count(*) FROM api_tokens WHERE user_id = u.id AND revoked_at IS NULL)"
        " FROM users AS u WHERE username = 'maya'"
    ) == [([], 0, 0)]


def test_a_user_deleted_by_hand_comes_back_with_nothing(database: Database, acme: Acme) -> None:
    database.run("UPDATE users SET status = 'deleted', roles = '{owner}' WHERE username = 'maya'")
    apply(BACK)
    assert acme.client("maya").get("/api/v2/users/me").status == 401
    new = apply({"tokens": [TOKEN]})["tokens"]["maya/test"]
    assert (me(new)["roles"], me(new)["organizations"]) == ([], [])
