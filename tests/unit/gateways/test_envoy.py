"""A check of Envoy becomes a reservation request; its access log names what that held."""

from typing import Any

import pytest

from allowance.gateways.envoy.checks import AccessLog, backend_name, question_of
from allowance.gateways.otlp.logs import read_logs
from allowance.gateways.parsed import NO_IDENTITY, Parsed, Refused, Sender
from allowance.reservations.models import ReservationRequest
from tests.otlp import export, log_record

SENDER = Sender("envoy", ("header:X-User-Id",), 20_000)
HEADERS = {"x-request-id": "83b63da3", "x-user-id": "maya", "x-ai-eg-model": "gpt-5.1"}

ACCESS = {
    "gen_ai.request.model": "gpt-5.1",
    "gen_ai.response.model": "-",
    "gen_ai.provider.name": "default/openai/route/aigw-run/rule/0/ref/0",
    "gen_ai.usage.input_tokens": "15",
    "gen_ai.usage.output_tokens": "7",
    "x-request-id": "83b63da3",
    "x-user-id": "maya",
    "response_code": "200",
    "upstream_host": "34.128.142.77:443",
}
"""The attributes of an entry of the access log, as the page configures them."""


def test_a_check_holds_the_estimate_of_the_source() -> None:
    asked = ReservationRequest.model_validate(question_of("openai", HEADERS, b"", SENDER))
    assert (asked.id, asked.source, asked.user) == ("83b63da3", "envoy", "maya")
    assert (asked.provider, asked.model) == ("openai", "gpt-5.1")
    assert asked.estimate.cost_micros == 20_000
    assert not asked.dry_run


def test_the_body_names_the_model_before_a_header_does() -> None:
    body = b'{"model": "gpt-5.1-mini", "messages": [{"content": "secret"}]}'
    asked = question_of("openai", HEADERS, body, SENDER)
    assert asked["model"] == "gpt-5.1-mini"
    assert "secret" not in str(asked)


@pytest.mark.parametrize("body", [b'{"model": "gpt', b"[]", b'{"model": 5}', b"\xff"])
def test_a_body_that_names_no_model_leaves_it_to_the_header(body: bytes) -> None:
    assert question_of("openai", HEADERS, body, SENDER)["model"] == "gpt-5.1"


def test_everything_that_a_check_lacks_is_named() -> None:
    with pytest.raises(Refused) as error:
        question_of("openai", {"x-user-id": "maya"}, b"", Sender("envoy"))
    assert [each.field for each in error.value.problems] == [
        "x-request-id",
        "x-ai-eg-model",
        "estimate_micros",
    ]


def test_a_header_names_nobody_without_a_setting_of_the_source() -> None:
    asked = question_of("openai", HEADERS, b"", Sender("envoy", (), 1))
    assert asked["user"] == NO_IDENTITY


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("default/openai/route/aigw-run/rule/0/ref/0", "openai"),
        ("ai-gateway/anthropic", "anthropic"),
        ("openai", "openai"),
        ("a/b/c", "a/b/c"),
        (None, None),
    ],
)
def test_a_path_of_a_backend_becomes_its_name(path: str | None, name: str | None) -> None:
    assert backend_name(path) == name


def read(*entries: dict[str, Any]) -> tuple[Parsed, set[str]]:
    """The usages of an access log, and the request ids of what failed."""
    seen = AccessLog(SENDER)
    log = export(*map(log_record, entries), resource={"service.name": "envoy"})
    return read_logs(log, SENDER, seen.call_of), {each.key for each in seen.failed}


def test_an_entry_of_the_access_log_settles_its_check() -> None:
    (record,) = read(ACCESS)[0].records
    assert record["reservation_key"] == "83b63da3"
    assert (record["provider"], record["model"], record["user"]) == ("openai", "gpt-5.1", "maya")
    assert record["tokens"] == {"input": 15, "output": 7}


def test_an_entry_without_a_request_id_settles_nothing() -> None:
    (record,) = read(ACCESS | {"x-request-id": "-"})[0].records
    assert "reservation_key" not in record


@pytest.mark.parametrize(
    ("upstream", "released"), [("34.128.142.77:443", {"83b63da3"}), ("-", set()), (None, set())]
)
def test_only_a_call_that_reached_a_vendor_is_released(
    upstream: str | None, released: set[str]
) -> None:
    """A refused check may have the request id of a call that still runs."""
    counts = dict.fromkeys((f"gen_ai.usage.{each}put_tokens" for each in ("in", "out")), "-")
    parsed, failed = read(ACCESS | counts | {"upstream_host": upstream})
    assert (parsed.records, parsed.ignored, failed) == ([], 1, released)


def test_a_field_that_is_no_header_is_named() -> None:
    with pytest.raises(Refused) as error:
        question_of("openai", HEADERS, b"", Sender("envoy", ("x-user-id",), 1))
    assert [each.field for each in error.value.problems] == ["identity"]
