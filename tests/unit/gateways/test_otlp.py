"""Log records of OTLP become usage records, and nothing of their text goes on."""

import json
from typing import Any

import pytest

from allowance.contract.json_document import json_object
from allowance.errors import ValidationFailed
from allowance.gateways.otlp.export_models import LogExport
from allowance.gateways.otlp.logs import read_logs
from allowance.gateways.parsed import NO_IDENTITY, Parsed, Sender
from allowance.usage.records import Usage, usage_of
from tests.otlp import GEN_AI, OCCURRED_AT, SECRET, claude_request, export, log_record

SENDER = Sender("otlp")
BY_EMAIL = Sender("otlp", identity=("user.email",))
PLACE = "resourceLogs[0].scopeLogs[0].logRecords[0]"


def read(
    *records: dict[str, Any], sender: Sender = SENDER, resource: dict[str, Any] | None = None
) -> Parsed:
    return read_logs(export(*records, resource=resource), sender)


def usage(parsed: Parsed) -> Usage:
    """The usage of the only record, as the ledger reads it."""
    (record,) = parsed.records
    found = usage_of(record)
    assert isinstance(found, Usage)
    return found


def problems(parsed: Parsed) -> list[str]:
    return [str(each) for each in parsed.refused]


def test_a_request_of_claude_code_is_counted_with_its_stated_cost() -> None:
    found = usage(read(claude_request(), sender=BY_EMAIL))
    assert (found.provider, found.model) == ("anthropic", "claude-sonnet-4-5-20250929")
    assert found.tokens._asdict() == {
        "input": 50,
        "output": 500,
        "cache_read": 1000,
        "cache_write": 2000,
        "cache_write_1h": 0,
    }
    assert found.stated_cost_picos == 15_150_000_000
    assert found.user == "maya@acme.example"


def test_nanoseconds_are_cut_off_after_microseconds() -> None:
    assert read(claude_request()).records[0]["occurred_at"] == OCCURRED_AT


def test_counts_in_texts_are_counts() -> None:
    assert usage(read(claude_request(input_tokens="7"))).tokens.input == 7


def test_fast_requests_have_the_variant_fast() -> None:
    assert usage(read(claude_request(speed="fast"))).variant == "fast"
    assert usage(read(claude_request(speed="normal"))).variant is None


def test_the_prefix_or_the_service_tells_a_request_of_claude_code() -> None:
    bare = claude_request() | {"body": None}
    assert len(read(bare).records) == 1
    assert read(bare, resource={"service.name": "another"}).ignored == 1
    named = bare | {"eventName": "claude_code.api_request"}
    assert len(read(named, resource={"service.name": "another"}).records) == 1


def test_a_collector_may_name_the_provider() -> None:
    added: dict[str, Any] = {"service.name": "claude-code", "gen_ai.provider.name": "aws.bedrock"}
    assert usage(read(claude_request(), resource=added)).provider == "aws.bedrock"


def test_other_events_are_ignored_and_counted() -> None:
    prompt = log_record({"event.name": "user_prompt", "prompt": SECRET})
    found = read(prompt, claude_request(), prompt)
    assert (found.ignored, len(found.records), found.refused) == (2, 1, [])
    assert found.places == ["resourceLogs[0].scopeLogs[0].logRecords[1]"]


def test_an_unknown_count_of_claude_code_is_refused_by_its_name() -> None:
    found = read(claude_request(thinking_tokens=9))
    assert found.records == []
    assert problems(found)[0].startswith(f"{PLACE}.thinking_tokens: Is not known.")


@pytest.mark.parametrize("name", ["model", "input_tokens", "output_tokens"])
def test_a_request_without_a_needed_attribute_is_refused(name: str) -> None:
    assert problems(read(claude_request(**{name: None}))) == [f"{PLACE}.{name}: Missing."]


def test_no_text_of_a_log_record_goes_on() -> None:
    record = claude_request(prompt=SECRET, **{"gen_ai.input.messages": SECRET})
    record["body"] = {"stringValue": SECRET}
    call = log_record(GEN_AI | {"gen_ai.output.messages": SECRET}, body={"stringValue": SECRET})
    found = read(record, call, claude_request(model=None, prompt=SECRET))
    assert len(found.records) == 2
    assert SECRET not in json.dumps([found.records, problems(found)])


def test_the_same_export_twice_has_the_same_ids() -> None:
    again = json_object(json.dumps(export(claude_request(), log_record(GEN_AI))).encode())
    first, second = read(claude_request(), log_record(GEN_AI)), read_logs(again, SENDER)
    assert first.records == second.records
    assert len({each["id"] for each in first.records}) == 2


@pytest.mark.parametrize(
    "other",
    [
        claude_request(**{"event.sequence": 4}),
        claude_request(input_tokens=51),
        claude_request() | {"timeUnixNano": "1795327200123456790"},
    ],
)
def test_another_request_has_another_id(other: dict[str, Any]) -> None:
    first, second = read(claude_request(), other).records
    assert first["id"] != second["id"]


def test_another_resource_has_another_id() -> None:
    one, two = (read(log_record(GEN_AI), resource={"host.name": each}) for each in ("a", "b"))
    assert one.records[0]["id"] != two.records[0]["id"]


def test_only_trusted_fields_name_the_user() -> None:
    mine = claude_request(**{"user.id": "olivia"})
    assert usage(read(mine)).user == NO_IDENTITY
    assert usage(read(mine, sender=BY_EMAIL)).user == "maya@acme.example"
    assert usage(read(mine, resource={"allowance.user": "otto"})).user == "otto"


def test_identity_fields_are_tried_in_order() -> None:
    sender = Sender("otlp", identity=("enduser.id", "user.email"))
    assert usage(read(claude_request(), sender=sender)).user == "maya@acme.example"
    both = claude_request(**{"enduser.id": "otto"})
    assert usage(read(both, sender=sender)).user == "otto"


def test_without_settings_only_the_resource_names_the_user() -> None:
    mine = claude_request(**{"allowance.user": "olivia"})
    assert usage(read(mine)).user == NO_IDENTITY
    assert usage(read(mine, resource={"allowance.user": "maya"})).user == "maya"


def test_a_field_that_two_places_state_differently_names_nobody() -> None:
    sender = Sender("otlp", identity=("user.email", "user.id"))
    mine = claude_request(**{"user.id": "maya"})
    for email, user in (("maya@acme.example", "maya@acme.example"), ("a@b", NO_IDENTITY)):
        resource = {"service.name": "claude-code", "user.email": email}
        assert usage(read(mine, sender=sender, resource=resource)).user == user


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"resourceLogs": {}}, "resourceLogs"),
        ({"resourceLogs": [1]}, "resourceLogs[0]"),
        ({"resourceLogs": [{"resource": []}, {"resource": 1}]}, "resourceLogs[1].resource"),
        ({"resourceLogs": [{"scopeLogs": 1}]}, "resourceLogs[0].scopeLogs"),
        (
            {"resourceLogs": [{"resource": {"attributes": [{"key": 1}]}}]},
            "resourceLogs[0].resource.attributes[0]",
        ),
        (
            {"resourceLogs": [{"scopeLogs": [{"logRecords": [None]}]}]},
            "resourceLogs[0].scopeLogs[0].logRecords[0]",
        ),
    ],
)
def test_a_document_that_is_no_export_of_logs_is_refused(
    document: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationFailed) as error:
        read_logs(document, SENDER)
    assert [each.field for each in error.value.problems] == [field]


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"resourceMetrics": []}, "resourceMetrics"),
        ({"resourceSpans": []}, "resourceSpans"),
        ({"resource_logs": []}, "resourceLogs"),
    ],
)
def test_a_document_of_another_signal_is_refused(document: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationFailed) as error:
        LogExport.read(json.dumps(document).encode(), "application/json")
    assert [each.field for each in error.value.problems] == [field]


def test_an_export_without_log_records_is_empty() -> None:
    assert read_logs({"resourceLogs": [{"scopeLogs": [{}]}, {}]}, SENDER) == Parsed()


@pytest.mark.parametrize(
    ("attributes", "field"),
    [
        ([{"key": "a", "value": {"intValue": "x"}}], "attributes[0].value.intValue"),
        ([{"key": "a", "value": {"intValue": 1.5}}], "attributes[0].value.intValue"),
        ([{"key": "a", "value": {"intValue": True}}], "attributes[0].value.intValue"),
        ([{"key": "a", "value": {"stringValue": 1}}], "attributes[0].value.stringValue"),
        ([{"key": "a", "value": {"boolValue": "true"}}], "attributes[0].value.boolValue"),
        ([{"key": "a", "value": {"other": 1}}], "attributes[0].value"),
        ([{"key": "a", "value": "text"}], "attributes[0].value"),
        ([{"key": "a"}, {"key": "a"}], "attributes[1]"),
        ([{}], "attributes[0]"),
        ({"a": 1}, "attributes"),
    ],
)
def test_a_malformed_attribute_refuses_its_record_alone(attributes: Any, field: str) -> None:
    found = read({"attributes": attributes}, claude_request())
    assert [each.field for each in found.refused] == [f"{PLACE}.{field}"]
    assert len(found.records) == 1


@pytest.mark.parametrize("time", ["x", "-1", 1.5, True, [1], str(1 << 63), "9" * 19])
def test_a_time_that_is_none_refuses_the_record(time: Any) -> None:
    (found,) = problems(read(claude_request() | {"timeUnixNano": time}))
    assert found.startswith(f"{PLACE}.timeUnixNano: Must be nanoseconds since 1970")


@pytest.mark.parametrize("unset", [None, 0, "0", ""])
def test_the_time_of_observation_stands_in_for_an_unknown_time(unset: Any) -> None:
    record = claude_request() | {"timeUnixNano": unset}
    assert problems(read(record))[0].startswith(f"{PLACE}.timeUnixNano: Missing")
    seen = read(record | {"observedTimeUnixNano": 1795327200123456789})
    assert seen.records[0]["occurred_at"] == OCCURRED_AT


def test_a_document_that_is_nested_too_deeply_is_refused() -> None:
    deep: Any = {}
    for _ in range(100_000):
        deep = {"arrayValue": {"values": [deep]}}
    record = log_record(GEN_AI)
    record["attributes"].append({"key": "deep", "value": deep})
    with pytest.raises(ValidationFailed, match="nested too deeply"):
        read(record)
