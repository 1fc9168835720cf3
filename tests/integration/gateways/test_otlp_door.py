"""Log records of OpenTelemetry, with a real ledger."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.doors import PRICED, spent
from tests.gateway import Client
from tests.otlp import SECRET, claude_request, export, log_record
from tests.postgres import Database

OTLP = "/api/v2/ai/in/otlp/v1/logs"
PLACE = "resourceLogs[0].scopeLogs[0].logRecords"


@pytest.mark.usefixtures("trusting")
def test_an_export_is_recorded_once(
    gateway: Client, database: Database, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    call = log_record(PRICED | {"user.email": "maya@acme.example", "prompt": SECRET})
    call["body"] = {"stringValue": SECRET}
    sent = json.dumps(export(call, log_record({"event.name": "user_prompt"}))).encode()
    for content in (sent, sent):
        answer = gateway.post(OTLP, content)
        assert answer.status == 200
        success = answer.json()["partialSuccess"]
        assert success["rejectedLogRecords"] == "0"
        assert success["errorMessage"] == "1 log records of other events are ignored."
    again = gateway.post(OTLP, gzip.compress(sent), headers={"content-encoding": "gzip"})
    assert again.status == 200
    assert spent(database) == {"maya": 4000}
    kept = database.rows("SELECT to_jsonb(s)::text FROM ai_usage AS s")
    assert SECRET not in str(kept) + json.dumps(logged())


def test_an_export_that_is_recorded_whole_has_an_empty_response(gateway: Client) -> None:
    answer = gateway.post(OTLP, export(claude_request()))
    assert (answer.status, answer.body) == (200, "{}")


@pytest.mark.usefixtures("trusting")
def test_log_records_that_are_refused_are_named_and_the_others_count(
    gateway: Client, database: Database
) -> None:
    maya = {"user.email": "maya@acme.example"}
    sent = export(
        log_record(PRICED | maya),
        log_record(PRICED | {"gen_ai.provider.name": "-"}),
        log_record(PRICED | maya, timeUnixNano="1000000000000000000"),
        log_record(PRICED | maya | {"gen_ai.usage.reasoning.output_tokens": 201}),
    )
    success = gateway.post(OTLP, sent).json()["partialSuccess"]
    assert success["rejectedLogRecords"] == "2"
    message = success["errorMessage"]
    assert f"{PLACE}[1].gen_ai.provider.name: Missing." in message
    assert f"{PLACE}[2].timeUnixNano: Must be from 2020" in message
    assert f"recorded without a cost: {PLACE}[3].gen_ai.usage.output_tokens" in message
    assert spent(database) == {"maya": 4000}


def test_an_export_of_more_than_a_batch_is_recorded(gateway: Client, database: Database) -> None:
    calls = [log_record(PRICED | {"n": number}) for number in range(1001)]
    assert gateway.post(OTLP, export(*calls)).body == "{}"
    assert database.rows("SELECT count(*) FROM ai_usage") == [(1001,)]


def test_a_laptop_names_nobody_without_settings(gateway: Client, database: Database) -> None:
    assert gateway.post(OTLP, export(claude_request())).status == 200
    assert list(spent(database)) == [None]


def test_protobuf_is_refused_with_the_setting_that_sends_json(gateway: Client) -> None:
    answer = gateway.post(OTLP, b"\x0a\x00", headers={"content-type": "application/x-protobuf"})
    assert answer.status == 415
    assert "`encoding: json`" in answer.json()["detail"]


def test_other_signals_are_refused_whatever_their_body(gateway: Client) -> None:
    protobuf = {"content-type": "application/x-protobuf"}
    for signal in ("metrics", "traces"):
        answer = gateway.post(OTLP.replace("logs", signal), b"\x0a\x00", headers=protobuf)
        assert answer.status == 400
        assert "Send logs." in answer.json()["validations"][0]["detail"]
