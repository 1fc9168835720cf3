"""Requests that a route cannot take, and which of two errors wins."""

import json
import os
from typing import Any
from urllib.parse import unquote

import pytest

from tests.conftest import environment
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.refusals import NOWHERE


@pytest.mark.parametrize(
    "segment",
    [
        "x",
        "1",
        "00000000000000000000000000000001",
        "{00000000-0000-0000-0000-000000000001}",
        "%22",
        "a%00b",
        "%F0%9F%92%B8",
        "urn:uuid:00000000-0000-0000-0000-000000000001",
        "00000000-0000-0000-0000-00000000000g",
        "%20",
    ],
)
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


@pytest.mark.parametrize(
    "query",
    [
        "x=1",
        "limit=0",
        "limit=1001",
        "limit=1.0",
        "limit=%201",
        "limit=x",
        "limit=1&limit=2",
        "limit=",
        "group=x",
        "group=00000000000000000000000000000001",
        "group=%7B00000000-0000-0000-0000-000000000001%7D",
        "group=urn:uuid:00000000-0000-0000-0000-000000000001",
        "user=%00",
        "user=A%20b",
        "after=x",
        "after=" + "9" * 30,
    ],
)
def test_a_bad_query_parameter_is_named(adam: Client, query: str) -> None:
    answer = adam.get(f"/api/v2/audit?{query}")
    assert answer.status == 400
    assert answer.json()["message"] == "Query parameters have invalid values."
    assert {each["field"] for each in answer.json()["validations"]} == {query.partition("=")[0]}


@pytest.mark.parametrize(
    "path", ["/api/v2/users/me?x=1", "/api/v2/organizations/acme/groups?x=1", "/healthz?x=1"]
)
def test_a_parameter_that_a_route_does_not_take_is_refused_not_ignored(
    adam: Client, path: str
) -> None:
    assert adam.get(path).json()["message"] == "Query parameters have invalid values."


def test_an_unknown_route_is_a_404_and_an_unknown_method_a_405(acme: Acme, adam: Client) -> None:
    nowhere = adam.get("/api/v2/nowhere")
    assert (nowhere.status, nowhere.json()) == (404, {"message": "Route not found."})
    post = adam.send("POST", acme.budget_path(), body="{}")
    assert (post.status, post.json()["message"]) == (405, "Method not allowed.")
    assert post.headers["Allow"] == "DELETE, GET, PUT"
    assert Client().send("POST", acme.budget_path()).status == 405


def test_more_wrong_than_an_answer_can_hold_is_cut_short(adam: Client, acme: Acme) -> None:
    body = json.dumps({f"{n:x}": n for n in range(70_000)} | {"spend_limit_micros": 1})
    answer = adam.put(acme.budget_path(), body)
    assert answer.status == 400
    assert len(answer.json()["validations"]) == 1000
    assert answer.json()["detail"] == (
        'Send JSON like {"spend_limit_micros": 25000000}. And 69000 problems more.'
    )
    assert len(answer.body) < 1 << 20
