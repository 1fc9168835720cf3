"""Whatever JSON a sender sends, it is read or refused by its place."""

from contextlib import suppress
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from allowance.errors import UsageOutOfRange, ValidationFailed
from allowance.gateways.envoy.checks import AccessLog
from allowance.gateways.openmeter.events import read_events
from allowance.gateways.otlp.logs import read_logs
from allowance.gateways.parsed import Refused, Sender
from allowance.gateways.portkey.hooks import hook_of, question_of, record_of
from allowance.usage.records import usage_of
from tests.depth import by_depth
from tests.otlp import GEN_AI, claude_request, export, log_record
from tests.portkey import after

SENDER = Sender("s", ("user.email", "subject", "metadata._user"), 1)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
FIELDS = st.sampled_from(
    ["body", "eventName", "timeUnixNano", "observedTimeUnixNano", "attributes", "stringValue"]
)

SOME = settings(max_examples=by_depth(15, 30, 300))


def recorded(records: list[dict[str, Any]]) -> None:
    """The ledger reads each record, or refuses it by its fields."""
    for each in records:
        with suppress(UsageOutOfRange):
            usage_of(each)


@SOME
@given(JSON, FIELDS, st.sampled_from([*GEN_AI, "model", "speed", "user.email", "event.name"]))
@example({"stringValue": []}, "body", "model")
def test_any_log_record_is_read_or_refused(value: Any, field: str, name: str) -> None:
    changed = {"key": name, "value": value}
    kind = {"key": name, "value": {"stringValue": value}}
    for record in (claude_request(), log_record(GEN_AI)):
        others = [each for each in record["attributes"] if each["key"] != name]
        for sent in (
            record | {field: value},
            record | {"attributes": [*others, changed]},
            record | {"attributes": [*others, kind]},
        ):
            for calls in (None, AccessLog(SENDER).call_of):
                parsed = read_logs(export(sent), SENDER, calls)
                assert len(parsed.records) + len(parsed.lost) + parsed.ignored == 1
                recorded(parsed.records)


@SOME
@given(JSON, st.sampled_from(["resource", "scopeLogs", "scope", "logRecords"]))
def test_any_export_is_read_or_refused(value: Any, name: str) -> None:
    with suppress(ValidationFailed):
        read_logs({"resourceLogs": value}, SENDER)
    scope = {"logRecords": [claude_request()]} | {name: value}
    with suppress(ValidationFailed):
        read_logs({"resourceLogs": [{"scopeLogs": [scope], name: value}]}, SENDER)


@SOME
@given(JSON, st.sampled_from(["id", "source", "time", "subject", "data", "specversion"]))
def test_any_event_is_read_or_refused(value: Any, name: str) -> None:
    data = {"tokens": "1", "type": "input", "model": "m", "provider": "p"}
    event = {"id": "1", "source": "s", "time": "2026-11-22T06:00:00Z", "subject": "a", "data": data}
    for sent in (value, event | {name: value}, event | {"data": data | {"type": value}}):
        parsed = read_events([sent], SENDER, is_batch=True)
        assert len(parsed.records) + len(parsed.lost) == 1
        recorded(parsed.records)


@SOME
@given(JSON, st.sampled_from(["request", "response", "provider", "metadata", "eventType"]))
def test_any_message_of_portkey_is_read_or_refused(value: Any, name: str) -> None:
    for sent in (after(1795327200) | {name: value}, after(1795327200, usage=value, model=value)):
        with suppress(Refused):
            hook_of(sent)
        with suppress(Refused):
            question_of(sent, SENDER, "1")
        with suppress(Refused):
            recorded([record_of(sent, SENDER)])
