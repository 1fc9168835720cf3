"""Events of Lambda as gateways and SAM send them, and damaged ones."""

import base64
from typing import Any

import pytest

from put_group_budget import handler as put_handler
from tests.gateway import Client, Context, answer_of, event
from tests.people import Acme


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
