"""Reading LiteLLM's log: in each of its formats, and each payload on its own."""

import json
from typing import Any

import pytest

from allowance.errors import InvalidJSON, ValidationFailed
from allowance.gateways.litellm.log_models import (
    EXAMPLE,
    MAX_PAYLOADS,
    LiteLLMLog,
    Payload,
    Unread,
)


def read(content: str | bytes) -> tuple[Payload | Unread, ...]:
    sent = content if isinstance(content, bytes) else content.encode()
    return LiteLLMLog.read(sent, "application/json").payloads


ONE = json.dumps(EXAMPLE)


@pytest.mark.parametrize(
    ("content", "count"),
    [
        (f"[{ONE}, {ONE}]", 2),
        (f"{ONE}\n{ONE}", 2),
        (f"{ONE}\r\n\n{ONE}\n", 2),
        (ONE, 1),
        (json.dumps(EXAMPLE, indent=1), 1),
        ("[]", 0),
    ],
)
def test_each_format_of_the_log_is_read(content: str, count: int) -> None:
    payloads = read(content)
    assert len(payloads) == count
    assert all(isinstance(each, Payload) for each in payloads)


def test_no_prompt_and_no_answer_is_kept() -> None:
    secret = {"messages": [{"content": "secret"}], "response": "secret", "error_str": "secret"}
    (payload,) = read(json.dumps(EXAMPLE | secret | {"model_parameters": {"stop": "secret"}}))
    assert "secret" not in repr(payload)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"status": "done"}, "status"),
        ({"endTime": "2026-11-22 06:00:00"}, "endTime"),
        ({"endTime": 1e12}, "endTime"),
        ({"prompt_tokens": -1}, "prompt_tokens"),
        ({"prompt_tokens": 1.5}, "prompt_tokens"),
        ({"response_cost": -1}, "response_cost"),
        ({"metadata": None}, "metadata"),
        ({"metadata": {"usage_object": "many"}}, "metadata.usage_object"),
    ],
)
def test_a_payload_that_is_not_understood_costs_no_other(
    change: dict[str, Any], field: str
) -> None:
    first, bad, last = read(json.dumps([EXAMPLE, EXAMPLE | change, EXAMPLE]))
    assert isinstance(bad, Unread)
    assert [each.field for each in bad.problems] == [field]
    assert isinstance(first, Payload)
    assert isinstance(last, Payload)


@pytest.mark.parametrize("odd", [None, 1, "text", [EXAMPLE]])
def test_an_odd_entry_of_the_list_is_unread(odd: object) -> None:
    (payload,) = read(json.dumps([odd]))
    assert isinstance(payload, Unread)


def test_a_line_that_is_no_json_costs_no_other() -> None:
    first, bad = read(f"{ONE}\n{ONE[:-5]}")
    assert isinstance(first, Payload)
    assert isinstance(bad, Unread)
    assert bad.problems[0].field == "(line)"


@pytest.mark.parametrize(
    "content", ["", "x", "{", '{"id": 1, "id": 2}', "1\n2\nx", b"\xff", "[" * 100_000]
)
def test_what_is_no_log_is_refused(content: str | bytes) -> None:
    with pytest.raises(InvalidJSON):
        read(content)


def test_a_log_has_a_bounded_number_of_payloads() -> None:
    with pytest.raises(ValidationFailed):
        read(json.dumps([1] * (MAX_PAYLOADS + 1)))


@pytest.mark.parametrize(
    "odd", ["NaN", "-Infinity", r'"\ud800"', "9" * 5000, '{"a": [' * 100 + "0" + "]}" * 100]
)
def test_an_odd_value_in_a_prompt_does_not_lose_the_usage(odd: str) -> None:
    """Callers write prompts, and LiteLLM drops a log that is refused."""
    (payload,) = read(f'[{ONE[:-1]}, "messages": {odd}}}]')
    assert isinstance(payload, Payload)


def test_a_cost_that_is_no_number_is_no_statement() -> None:
    (payload,) = read(ONE.replace("0.00325", "NaN"))
    assert isinstance(payload, Payload)
    assert payload.response_cost is None


def test_the_head_of_an_unread_payload_has_no_prompt() -> None:
    secret = "secret " * 100
    sent = EXAMPLE | {"status": "done", "messages": secret, "model": "m" * 101, "id": [secret]}
    (bad,) = read(json.dumps(sent))
    assert isinstance(bad, Unread)
    assert "secret" not in json.dumps(bad.head)
    assert bad.head["model"] == "m" * 100
    assert bad.head["user_api_key_user_id"] == "maya"
    assert bad.head["completion_tokens"] == 200
