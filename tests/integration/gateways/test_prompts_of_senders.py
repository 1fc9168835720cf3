"""No door of these senders keeps or logs a prompt: not in a table, a log line or a response."""

import json
import time

import pytest

from tests.doors import PRICED
from tests.gateway import Client
from tests.otlp import claude_request, export, log_record
from tests.portkey import after, before
from tests.postgres import Database

SECRET = "zanzibar"
TABLES = (
    "SELECT c.oid::regclass::text FROM pg_class AS c"
    " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'"
)
TEXTS = {"prompt": SECRET, "gen_ai.input.messages": SECRET, "gen_ai.operation.name": SECRET}
EVENT = {
    "id": "1",
    "source": "kong",
    "subject": "maya",
    "time": "2026-11-22T06:00:00Z",
    "prompt": SECRET,
    "data": {"tokens": 1, "type": "request", "model": "m", "provider": "p", "prompt": SECRET},
}
HEADERS = {"x-request-id": "r1", "x-user-id": "maya", "x-ai-eg-model": "m", "prompt": SECRET}


@pytest.mark.usefixtures("trusting")
def test_no_text_of_a_sender_is_kept_logged_or_sent_back(
    gateway: Client, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    in_body = {"body": {"stringValue": SECRET}}
    logs = export(
        log_record(PRICED | {"prompt": SECRET}, **in_body),
        log_record(PRICED | TEXTS, **in_body),
        claude_request(prompt=SECRET, model=None),
    )
    texts = {"choices": [{"message": {"content": SECRET}}], "model": "m"}
    usage = {"id": "2", "usage": {"prompt_tokens": 1, "text": SECRET, "more": {"a": [SECRET]}}}
    chat = {"messages": [{"content": SECRET}]}
    asked = {"json": chat | {"model": "m"}, "text": SECRET}
    check = "/api/v2/ai/in/envoy/check/p/v1/chat/completions"
    answers = [
        gateway.post("/api/v2/ai/in/otlp/v1/logs", logs),
        gateway.post("/api/v2/ai/in/otlp/v1/logs", json.dumps(logs)[:-1]),
        gateway.post("/api/v2/ai/in/openmeter/api/v1/events", [EVENT, EVENT | {"data": SECRET}]),
        gateway.post("/api/v2/ai/in/portkey/guardrail", before(request=asked)),
        gateway.post("/api/v2/ai/in/portkey/guardrail", after(int(time.time()), **texts)),
        gateway.post("/api/v2/ai/in/portkey/guardrail", after(0, **texts)),
        gateway.post("/api/v2/ai/in/portkey/guardrail", after(int(time.time()), **usage)),
        gateway.post(check, json.dumps(chat | {"model": "m"}), headers=HEADERS),
        gateway.post(check, json.dumps(chat), headers={"prompt": SECRET}),
    ]
    assert [each.status for each in answers] == [200, 400, 400, 200, 200, 400, 200, 200, 400]
    assert SECRET not in "".join(each.body for each in answers)
    assert SECRET not in capsys.readouterr().out
    assert database.rows("SELECT count(*) FROM ai_usage") == [(4,)]
    kept = {
        name
        for (name,) in database.rows(TABLES)
        if SECRET in str(database.rows(f"SELECT t::text FROM {name} AS t"))
    }
    assert kept == set()
