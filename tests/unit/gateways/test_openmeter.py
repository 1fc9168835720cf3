"""CloudEvents of OpenMeter and Kong become usage records; the others are refused by index."""

from typing import Any

import pytest

from allowance.gateways.openmeter.events import event_id, read_events
from allowance.gateways.parsed import NO_IDENTITY, Parsed, Sender
from allowance.usage.records import Usage, usage_of

KONG = {
    "specversion": "1.0",
    "type": "kong.llm_request",
    "id": "0196a1f2-response",
    "source": "kong",
    "subject": "maya",
    "time": "2026-11-22T06:00:00.001Z",
    "data": {"tokens": "200", "type": "response", "model": "gpt-5.1", "provider": "openai"},
}
"""An event of Kong's Metering & Billing: `type` is request or response, `tokens` a text."""


def event(**data: Any) -> dict[str, Any]:
    return KONG | {"data": {**KONG["data"], **data}}  # pyright: ignore[reportGeneralTypeIssues]


def read(*events: object, identity: tuple[str, ...] = ()) -> Parsed:
    return read_events(events, Sender("kong", identity), is_batch=True)


def usage(parsed: Parsed) -> Usage:
    (record,) = parsed.records
    found = usage_of(record)
    assert isinstance(found, Usage)
    return found


def test_an_event_counts_one_kind_of_token() -> None:
    found = usage(read(KONG))
    assert (found.source, found.user) == ("kong", "maya")
    assert (found.provider, found.model) == ("openai", "gpt-5.1")
    assert (found.tokens.input, found.tokens.output) == (0, 200)
    assert found.occurred_at.isoformat() == "2026-11-22T06:00:00.001000+00:00"


@pytest.mark.parametrize(
    ("kind", "counted"),
    [
        ("input", "input"),
        ("system", "input"),
        ("request", "input"),
        ("output", "output"),
        ("cache_read", "cache_read"),
    ],
)
def test_a_type_names_a_class_of_tokens(kind: str, counted: str) -> None:
    tokens = usage(read(event(type=kind, tokens=7))).tokens
    assert tokens._asdict()[counted] == 7
    assert sum(tokens) == 7


def test_an_event_is_known_by_its_source_and_id() -> None:
    first, again, elsewhere = read(KONG, dict(KONG), KONG | {"source": "b"}).records
    assert first["id"] == again["id"] == "kong 0196a1f2-response"
    assert elsewhere["id"] != first["id"]
    assert len(event_id("s" * 300, "1")) == 64
    assert event_id("a\n", "b") != event_id("a", "\nb")
    assert event_id("a b", "c") != event_id("a", "b c")


def test_events_that_are_not_understood_are_refused_by_index() -> None:
    found = read(KONG, event(model=""), KONG, event(provider=None), "text")
    assert found.places == ["events[0]", "events[2]"]
    assert [str(each) for each in found.refused] == [
        "events[1].data.model: Missing.",
        "events[3].data.provider: Missing.",
        "events[4].(event): Must be an object.",
    ]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"data": None}, "data"),
        ({"data": "eyJ9"}, "data"),
        ({"specversion": "0.3"}, "specversion"),
        ({"id": ""}, "id"),
        ({"source": None}, "source"),
        ({"time": None}, "time"),
        ({"data": {**event()["data"], "type": "thoughts"}}, "data.type"),
        ({"data": {**event()["data"], "type": 1}}, "data.type"),
        ({"data": {**event()["data"], "tokens": None}}, "data.tokens"),
        ({"data": {**event()["data"], "cached_tokens": 5}}, "data.cached_tokens"),
    ],
)
def test_each_field_that_is_wrong_is_named(wrong: dict[str, Any], field: str) -> None:
    found = read_events([KONG | wrong], Sender("kong"), is_batch=False)
    assert found.records == []
    assert [each.field for each in found.refused] == [field]


def test_all_fields_that_are_wrong_are_named_at_once() -> None:
    found = read({"data": {"tokens": 5}})
    assert [each.field.removeprefix("events[0].") for each in found.refused] == [
        "id",
        "source",
        "time",
        "data.provider",
        "data.model",
        "data.type",
    ]


def test_the_settings_of_the_source_name_the_identity() -> None:
    mine = event(user="otto") | {"consumer": "adam"}
    assert usage(read(mine)).user == "maya"
    assert usage(read(mine, identity=("data.user", "subject"))).user == "otto"
    assert usage(read(mine, identity=("consumer",))).user == "adam"
    assert usage(read(mine, identity=("data.team", "other"))).user == NO_IDENTITY
