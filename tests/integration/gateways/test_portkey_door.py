"""Portkey's webhook guardrail, with a real ledger."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.doors import spent
from tests.gateway import Client
from tests.people import Acme
from tests.portkey import PROMPT, after, before
from tests.postgres import Database
from tests.reservations import held, limit_everyone

HOOK = "/api/v2/ai/in/portkey/guardrail"


@pytest.mark.usefixtures("trusting")
def test_portkey_asks_and_records(
    gateway: Client,
    database: Database,
    acme: Acme,
    logged: Callable[[], list[dict[str, Any]]],
) -> None:
    limit_everyone(database, acme, 6999)
    asked = gateway.post(HOOK, before())
    assert (asked.status, asked.json()) == (200, {"verdict": True, "data": {"reason": None}})
    assert held(database) == {}, "no id is in both messages"
    call = after(int(time.time()), model="m") | {"provider": "p"}
    for _ in range(2):
        assert gateway.post(HOOK, call).json()["verdict"] is True
    assert spent(database) == {"maya": 4000}
    refused = gateway.post(HOOK, before()).json()
    assert refused["verdict"] is False
    assert refused["data"]["reason"].startswith("AI budget of US$0.01 exceeded.")
    kept = database.rows("SELECT to_jsonb(s)::text FROM ai_usage AS s")
    assert PROMPT not in str(kept) + json.dumps(logged())


@pytest.mark.usefixtures("trusting")
def test_a_question_that_is_not_understood_fails_the_check(gateway: Client) -> None:
    """Portkey takes an error for a pass."""
    for changed, reason in (
        ({"request": {"json": {}}}, "request.json.model"),
        ({"provider": 5}, "provider"),
        ({"metadata": {}}, "There is no such user."),
        ({"provider": "p" * 256}, "provider"),
    ):
        answer = gateway.post(HOOK, before(**changed))
        assert (answer.status, answer.json()["verdict"]) == (200, False)
        assert answer.json()["data"]["reason"].startswith(reason)


def test_a_question_fails_without_settings_of_the_source(gateway: Client) -> None:
    answer = gateway.post(HOOK, before()).json()
    assert answer["verdict"] is False
    assert answer["data"]["reason"].startswith("estimate_micros")


@pytest.mark.usefixtures("trusting")
def test_a_call_that_is_not_recorded_is_an_error(gateway: Client) -> None:
    answer = gateway.post(HOOK, after(int(time.time()), usage=None))
    assert answer.status == 400
    assert answer.json()["validations"][0]["field"] == "response.json.usage"
    counted = {"usage": {"prompt_tokens": 1}}
    for sent, field in (
        (after(1, **counted), "response.json.created"),
        (after(int(time.time()), **counted, model=" m"), "response.json.model"),
        (after(int(time.time()), **counted, id=" 1"), "response.json.id"),
    ):
        refused = gateway.post(HOOK, sent).json()
        assert [each["field"] for each in refused["validations"]] == [field]
    assert gateway.post(HOOK, before(eventType="x")).status == 400
