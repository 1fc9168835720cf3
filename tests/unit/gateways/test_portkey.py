"""Portkey's messages become a question before a call, and a usage record after it."""

import json
from typing import Any

import pytest

from allowance.gateways.parsed import NO_IDENTITY, Refused, Sender
from allowance.gateways.portkey.hook_models import HookMessage
from allowance.gateways.portkey.hooks import hook_of, question_of, record_of
from allowance.reservations.models import ReservationRequest
from allowance.usage.records import Usage, usage_of
from tests.portkey import PROMPT, after, before

CREATED = 1795327200
SENDER = Sender("portkey", ("metadata._user",), 20_000)


def fields(error: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [each.field for each in error.value.problems]


def test_a_question_decides_and_holds_nothing() -> None:
    asked = ReservationRequest.model_validate(question_of(before(), SENDER, "1"))
    assert asked.dry_run
    assert (asked.user, asked.provider, asked.model) == ("maya", "openai", "gpt-5.1")
    assert (asked.source, asked.estimate.cost_micros) == ("portkey", 20_000)


def test_a_question_needs_an_estimate_of_the_source() -> None:
    with pytest.raises(Refused) as error:
        question_of(before(), Sender("portkey"), "1")
    assert fields(error) == ["estimate_micros"]


def test_a_call_is_recorded_from_its_usage_object() -> None:
    found = usage_of(record_of(after(CREATED), SENDER))
    assert isinstance(found, Usage)
    assert (found.id, found.user) == ("chatcmpl-B9SA", "maya")
    assert (found.model, found.variant) == ("gpt-5.1-2025-11-13", None)
    assert (found.tokens.input, found.tokens.cache_read, found.tokens.output) == (400, 600, 200)
    assert found.occurred_at.timestamp() == CREATED
    assert found.kept is None


def test_the_tier_of_the_response_is_the_variant() -> None:
    found = usage_of(record_of(after(CREATED, service_tier="flex"), SENDER))
    assert isinstance(found, Usage)
    assert found.variant == "flex"


def test_a_message_is_read_without_its_prompts() -> None:
    for sent in (before(), after(CREATED)):
        message = HookMessage.read(json.dumps(sent).encode(), "application/json")
        assert PROMPT not in str(message.document)
        assert message.document["request"] == {"json": {"model": "gpt-5.1"}}
    odd = HookMessage.read(b'{"request": {"json": []}, "response": 5}', "application/json")
    assert (odd.request, odd.response) == ({"json": None}, None)


def test_no_prompt_goes_on() -> None:
    made = [question_of(before(), SENDER, "1"), record_of(after(CREATED), SENDER)]
    assert PROMPT not in json.dumps(made)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"usage": None}, "response.json.usage"),
        ({"id": ""}, "response.json.id"),
        ({"created": None}, "response.json.created"),
        ({"created": 1795327200000}, "response.json.created"),
        ({"created": True}, "response.json.created"),
        ({"model": 5}, "response.json.model"),
    ],
)
def test_a_response_that_counts_nothing_is_refused(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as error:
        record_of(after(CREATED, **changed), SENDER)
    assert fields(error) == [field]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"request": []}, "request"),
        ({"request": {"json": {}}}, "request.json.model"),
        ({"provider": None}, "provider"),
    ],
)
def test_a_question_without_a_model_is_refused(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as error:
        question_of(before(**changed), SENDER, "1")
    assert fields(error) == [field]


def test_metadata_names_nobody_without_a_setting_of_the_source() -> None:
    for sender in (Sender("portkey", (), 1), Sender("portkey", ("_user",), 1)):
        assert question_of(before(), sender, "1")["user"] == NO_IDENTITY
        assert record_of(after(CREATED), sender)["user"] == NO_IDENTITY


def test_a_hook_is_known_by_its_type() -> None:
    assert (hook_of(before()), hook_of(after(CREATED))) == ("before", "after")
    with pytest.raises(Refused) as error:
        hook_of({"eventType": "other"})
    assert fields(error) == ["eventType"]
