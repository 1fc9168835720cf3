"""The whole table of errors, and which of two wins."""

import base64
import json
import os
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest

from put_group_budget import handler as put_handler
from tests.conftest import environment
from tests.gateway import Answer, Client, Context, answer_of, event
from tests.people import Acme
from tests.postgres import Database

NOT_FOUND = {"message": "Resource not found or you do not have access to this resource"}
UNAUTHENTICATED = (
    "You are signed out or your session has expired. Please sign in again to continue."
)
NOWHERE = f"/api/v2/groups/{uuid.UUID(int=7)}/ai/budget"


def without_request_id(answer: Answer) -> tuple[int, dict[str, str], str]:
    return (
        answer.status,
        {k: v for k, v in answer.headers.items() if k != "X-Request-Id"},
        answer.body,
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
def test_who_may_read_but_not_update_is_refused_after_the_body_is_read(
    acme: Acme, database: Database, username: str, method: str
) -> None:
    client = acme.client(username)
    acme.client("adam").put(acme.budget_path(), {"spend_limit_micros": 1})
    refused = client.send(
        method, acme.budget_path(), body={"PUT": '{"spend_limit_micros": 2}'}.get(method)
    )
    assert (refused.status, refused.json()) == (404, NOT_FOUND)
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
def test_a_credential_that_is_no_good_any_more_is_401_on_the_very_next_request(
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


@pytest.mark.parametrize(
    "segment",
    ["x", "1", "00000000000000000000000000000001", "{00000000-0000-0000-0000-000000000001}", "%22", "a%00b", "%F0%9F%92%B8",
     "urn:uuid:00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-00000000000g", "%20"],
)  # fmt: skip
def test_a_path_id_that_is_no_uuid_says_what_it_is(adam: Client, segment: str) -> None:
    answer = adam.get(f"/api/v2/groups/{segment}/ai/budget")
    assert answer.status == 400
    assert answer.json()["message"] == f'Invalid UUID "{unquote(segment)}".'


ABOVE = {"spend_limit_micros": 10**12 + 1}


@pytest.mark.parametrize(
    ("body", "headers", "status", "message"),
    [
        ("{}", {}, 400, "Validation failed."),
        (json.dumps(ABOVE), {}, 400, "Invalid AI spend limit."),
        (json.dumps(ABOVE | {"x": 1}), {}, 400, "Validation failed."),
        ("", {}, 400, "Request body must be valid JSON."),
        ("{", {"content-type": "text/plain"}, 415, "Content-Type must be application/json."),
        ("x" * (2 << 20), {"content-type": "text/plain"}, 413, "Request body too large."),
        (b"\xff", {}, 400, "Request body must be valid JSON."),
        ('{"spend_limit_micros": 1' + "0" * 400 + "}", {}, 400, "Invalid AI spend limit."),
    ],
)
def test_a_refused_body_stores_nothing(
    adam: Client,
    acme: Acme,
    database: Database,
    body: Any,
    headers: dict[str, str],
    status: int,
    message: str,
) -> None:
    answer = adam.put(acme.budget_path(), body, headers=headers)
    assert (answer.status, answer.json()["message"]) == (status, message)
    assert database.rows("SELECT count(*) FROM group_ai_budgets") == [(0,)]


def test_the_cap_names_the_field(adam: Client, acme: Acme) -> None:
    assert adam.put(acme.budget_path(), ABOVE).json() == {
        "message": "Invalid AI spend limit.",
        "validations": [
            {"field": "spend_limit_micros", "detail": "Must not exceed 1000000000000."}
        ],
    }


def test_the_order_of_errors(acme: Acme, maya: Client) -> None:
    bad_id, hidden, readable = "/api/v2/groups/x/ai/budget", NOWHERE, acme.budget_path()
    with environment(DATABASE_URL=os.environ["DATABASE_URL"], AI_BUDGETS_ENABLED="false"):
        assert Client().put(bad_id, "{").status == 401
        assert maya.put(bad_id, "{").status == 400
        assert maya.put(hidden, "{").status == 404
        gated = maya.put(readable, "x" * (2 << 20))
        assert (gated.status, gated.json()) == (
            403,
            {"message": "AI budgets are not enabled for this deployment."},
        )
        assert maya.get(f"{readable}?x=1").status == 403
        # Only routes with /ai/ in them are behind the gate.
        assert maya.get(readable.removesuffix("/ai/budget")).status == 200
    assert maya.put(readable, "x" * (2 << 20), headers={"content-type": "text/plain"}).status == 413
    assert maya.put(readable, "x", headers={"content-type": "text/plain"}).status == 415
    assert maya.put(readable, "{").json()["message"] == "Request body must be valid JSON."
    assert maya.put(readable, ABOVE | {"x": 1}).json()["message"] == "Validation failed."
    assert maya.put(readable, ABOVE).json()["message"] == "Invalid AI spend limit."
    assert maya.put(readable, {"spend_limit_micros": 1}).status == 404


@pytest.mark.parametrize("query", ["x=1", "limit=0", "limit=1001", "limit=1.0", "limit=%201", "limit=x", "limit=1&limit=2",
                                   "limit=", "group=x", "group=00000000000000000000000000000001",
                                   "group=%7B00000000-0000-0000-0000-000000000001%7D", "group=urn:uuid:00000000-0000-0000-0000-000000000001",
                                   "user=%00", "user=A%20b", "after=x", "after=" + "9" * 30])  # fmt: skip
def test_a_bad_query_parameter_is_named(adam: Client, query: str) -> None:
    answer = adam.get(f"/api/v2/audit?{query}")
    assert answer.status == 400
    assert answer.json()["message"] == "Query parameters have invalid values."
    assert {each["field"] for each in answer.json()["validations"]} == {query.partition("=")[0]}


@pytest.mark.parametrize(
    "path", ["/api/v2/users/me?x=1", "/api/v2/organizations/acme/groups?limit=1", "/healthz?x=1"]
)
def test_a_parameter_that_a_route_does_not_take_is_refused_not_ignored(
    adam: Client, path: str
) -> None:
    assert adam.get(path).json()["message"] == "Query parameters have invalid values."


def test_an_unknown_route_and_an_unknown_method_are_told_apart(acme: Acme, adam: Client) -> None:
    nowhere = adam.get("/api/v2/nowhere")
    assert (nowhere.status, nowhere.json()) == (404, {"message": "Route not found."})
    post = adam.send("POST", acme.budget_path(), body="{}")
    assert (post.status, post.json()["message"]) == (405, "Method not allowed.")
    assert post.headers["Allow"] == "DELETE, GET, PUT"
    assert Client().send("POST", acme.budget_path()).status == 405


def test_every_answer_carries_the_headers_of_the_contract(acme: Acme, adam: Client) -> None:
    path = acme.budget_path()
    answers = [
        adam.put(path, {"spend_limit_micros": 1}),
        adam.get(path),
        adam.put(path, "{"),
        adam.delete(path),
        adam.get(path),
        Client().get(path),
        adam.get("/nowhere"),
        adam.get("/healthz"),
    ]
    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Request-Id"]
        assert answer.headers.get("Content-Type") == (
            None if answer.status == 204 else "application/json; charset=utf-8"
        )


def test_the_request_id_is_the_invocations(adam: Client, acme: Acme) -> None:
    made = event("PUT", acme.budget_path(), segments={"group": str(acme.groups["acme/platform"])})
    context = Context()
    assert answer_of(put_handler(made, context)).headers["X-Request-Id"] == context.aws_request_id


def test_an_event_as_sam_makes_it_is_taken(adam: Client, acme: Acme) -> None:
    """Header names in Title-Case, an empty body, all keys there."""
    group = str(acme.groups["acme/platform"])
    made = event(
        "PUT", acme.budget_path(), segments={"group": group}, body='{"spend_limit_micros": 5}'
    )
    made["headers"] = {
        "Host": "127.0.0.1:3000",
        "Coder-Session-Token": adam.token or "",
        "Content-Type": "application/json",
    }
    assert answer_of(put_handler(made, Context())).json()["spend_limit_micros"] == 5
    made["body"] = ""
    assert (
        answer_of(put_handler(made, Context())).json()["message"]
        == "Request body must be valid JSON."
    )


def test_a_body_that_is_not_base64_is_no_json(adam: Client, acme: Acme) -> None:
    group = str(acme.groups["acme/platform"])
    made = event(
        "PUT",
        acme.budget_path(),
        segments={"group": group},
        headers={"authorization": f"Bearer {adam.token}"},
    )
    made |= {"isBase64Encoded": True, "body": "***"}
    assert answer_of(put_handler(made, Context())).status == 400
    made["body"] = base64.b64encode(b'{"spend_limit_micros": 9}').decode()
    assert answer_of(put_handler(made, Context())).status == 200


def test_the_unforeseen_is_a_500_that_tells_nothing_and_a_log_that_tells_all(
    adam: Client, acme: Acme, database: Database, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    database.run("ALTER TABLE group_ai_budgets RENAME TO elsewhere")
    answer = adam.get(acme.budget_path())
    assert (answer.status, answer.json()) == (
        500,
        {"message": "An internal server error occurred."},
    )
    (unforeseen,) = [line for line in logged() if line["level"] == "ERROR"]
    assert unforeseen["request_id"] == answer.headers["X-Request-Id"]
    assert "UndefinedTable" in unforeseen["exception"]
    assert adam.token is not None
    assert adam.token.rpartition("_")[2] not in json.dumps(logged())


def test_the_log_keeps_the_difference_between_a_refusal_and_an_absence(
    acme: Acme, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    acme.client("otto").get(acme.budget_path())
    acme.client("otto").get(NOWHERE)
    assert [line["reason"] for line in logged()] == ["NotAuthorized", "GroupNotFound"]


def test_more_wrong_than_an_answer_can_hold_is_cut_short(adam: Client, acme: Acme) -> None:
    body = json.dumps({f"{n:x}": n for n in range(70_000)} | {"spend_limit_micros": 1})
    answer = adam.put(acme.budget_path(), body)
    assert answer.status == 400
    assert len(answer.json()["validations"]) == 1000
    assert answer.json()["detail"] == "And 69000 problems more."
    assert len(answer.body) < 1 << 20


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://allowance_app:hunter2%zz@127.0.0.1:1/x",
        "postgre://allowance_app:hunter2@127.0.0.1:1/x",
        "hunter2 x",
        "postgresql://allowance_app:hunter2@127.0.0.1:1/x",
    ],
)
def test_the_password_of_the_database_reaches_neither_the_client_nor_the_log(
    acme: Acme, logged: Callable[[], list[dict[str, Any]]], url: str
) -> None:
    with environment(DATABASE_URL=url):
        answer = acme.client("adam").get(acme.budget_path())
    assert answer.status in (500, 503)
    assert "hunter2" not in json.dumps([answer.headers, answer.body, logged()])


def test_a_503_has_its_cause_in_the_log(
    acme: Acme, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    with environment(DATABASE_URL="postgresql://nobody@127.0.0.1:1/x"):
        answer = acme.client("adam").get(acme.budget_path())
    (line,) = [line for line in logged() if line["message"] == "database"]
    assert line["request_id"] == answer.headers["X-Request-Id"]
    assert "OperationalError" in line["cause"]


@pytest.mark.parametrize(
    "damage",
    [
        {"headers": {"authorization": None}},
        {"pathParameters": None},
        {"rawPath": None},
        {"headers": None},
        {"isBase64Encoded": True, "body": "ä"},
    ],
)
def test_an_event_that_no_gateway_sends_still_gets_an_answer(
    acme: Acme, adam: Client, damage: dict[str, Any]
) -> None:
    made = event(
        "PUT",
        acme.budget_path(),
        segments={"group": str(acme.groups["acme/platform"])},
        headers={"authorization": f"Bearer {adam.token}"},
    )
    answer = answer_of(put_handler(made | damage, Context()))
    assert answer.status in (400, 401, 500)
    assert "message" in answer.json()
