"""Refused callers: without a credential, without a permission, and after losing either."""

import pytest

from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.refusals import (
    CHANGED_BY_ADMINS,
    NOT_FOUND,
    NOWHERE,
    UNAUTHENTICATED,
    without_request_id,
)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("username", ["otto", "gus", "nora"])
def test_a_refusal_looks_like_an_absence(acme: Acme, username: str, method: str) -> None:
    client = acme.client(username)
    acme.client("adam").put(acme.budget_path(), {"spend_limit_micros": 1})
    body = {"PUT": '{"spend_limit_micros": 1}'}.get(method)
    refused = client.send(method, acme.budget_path(), body=body)
    assert refused.json() == NOT_FOUND
    assert refused.status == 404
    assert without_request_id(refused) == without_request_id(
        client.send(method, NOWHERE, body=body)
    )


def test_a_group_without_a_budget_looks_like_no_group(acme: Acme, maya: Client) -> None:
    assert without_request_id(maya.get(acme.budget_path())) == without_request_id(maya.get(NOWHERE))


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("username", ["maya", "ana"])
def test_a_reader_who_may_not_update_is_refused_after_the_body_is_read(
    acme: Acme, database: Database, username: str, method: str
) -> None:
    client = acme.client(username)
    acme.client("adam").put(acme.budget_path(), {"spend_limit_micros": 1})
    refused = client.send(
        method, acme.budget_path(), body={"PUT": '{"spend_limit_micros": 2}'}.get(method)
    )
    assert (refused.status, refused.json()) == (404, CHANGED_BY_ADMINS)
    if method == "PUT":
        assert client.put(acme.budget_path(), {}).status == 400
    assert database.rows("SELECT spend_limit_micros FROM group_ai_budgets") == [(1,)]
    assert (
        len(database.rows("SELECT 1 FROM audit_log WHERE resource_type = 'group_ai_budget'")) == 1
    )


@pytest.mark.parametrize("username", ["adam", "maya", "ana", "olivia"])
def test_readers_read(acme: Acme, username: str) -> None:
    acme.client("adam").put(acme.budget_path(), {"spend_limit_micros": 1})
    assert acme.client(username).get(acme.budget_path()).status == 200


CREDENTIALS: dict[str, dict[str, str]] = {
    "none": {"authorization": ""},
    "unknown": {"authorization": "Bearer alw_unknown_" + "a" * 32},
    "malformed": {"authorization": "Bearer alw"},
    "other scheme": {"authorization": "Basic YTpi"},
}


@pytest.mark.parametrize("headers", CREDENTIALS.values(), ids=CREDENTIALS.keys())
def test_every_bad_credential_gets_the_same_401(acme: Acme, headers: dict[str, str]) -> None:
    answer = Client("x").get(acme.budget_path(), headers=headers)
    assert (answer.status, answer.json()) == (401, {"message": UNAUTHENTICATED})
    assert without_request_id(answer) == without_request_id(Client().get(acme.budget_path()))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE api_tokens SET expires_at = now() - interval '1 second'",
        "UPDATE api_tokens SET revoked_at = now()",
        "UPDATE users SET status = 'suspended'",
        "UPDATE users SET status = 'deleted'",
        "UPDATE api_tokens SET secret_sha256 = sha256('x')",
        "DELETE FROM api_tokens",
    ],
)
def test_a_credential_that_became_invalid_is_401_on_the_very_next_request(
    adam: Client, acme: Acme, database: Database, change: str
) -> None:
    assert adam.get("/api/v2/users/me").status == 200
    database.run(change)
    answer = adam.get("/api/v2/users/me")
    assert without_request_id(answer) == without_request_id(Client().get("/api/v2/users/me"))


def test_a_lost_role_counts_on_the_very_next_request(
    adam: Client, acme: Acme, database: Database
) -> None:
    assert adam.put(acme.budget_path(), {"spend_limit_micros": 1}).status == 200
    database.run("UPDATE organization_members SET roles = '{}'")
    assert adam.put(acme.budget_path(), {"spend_limit_micros": 2}).status == 404
