"""No door keeps or logs a prompt: not in a table, not in a log line, not in a response."""

import json
from typing import Any

import pytest

from tests.gateway import Client
from tests.gateway_accounts import call_of_litellm, payload_of_litellm
from tests.litellm import GUARDRAIL, LOG
from tests.people import Acme
from tests.postgres import Database

SECRET = "zanzibar"
TABLES = (
    "SELECT c.oid::regclass::text FROM pg_class AS c"
    " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'"
)
BEFORE: dict[str, Any] = {
    "texts": [SECRET],
    "images": [f"data:image/png;base64,{SECRET}"],
    "tools": [{"type": "function", "function": {"name": SECRET}}],
    "tool_calls": [{"id": SECRET}],
    "structured_messages": [{"role": "user", "content": SECRET}],
    "additional_provider_specific_params": {SECRET: SECRET},
    SECRET: SECRET,
}
AFTER: dict[str, Any] = {
    "messages": [{"role": "user", "content": SECRET}],
    "response": {"choices": [{"message": {"content": SECRET}}]},
    "error_str": SECRET,
    "error_information": {"error_message": SECRET},
    "model_parameters": {"stop": SECRET},
    "request_tags": [SECRET],
    SECRET: SECRET,
}
USAGE: dict[str, Any] = {
    "prompt_tokens": 1,
    "completion_tokens": 1,
    "service_tier": SECRET,
    "prompt_tokens_details": {"text": SECRET, "words": [SECRET]},
    f"{SECRET} as a name": 1,
}


def test_no_prompt_is_kept_logged_or_sent_back(
    gateway: Client, acme: Acme, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    payload = payload_of_litellm(**AFTER)
    metadata = payload["metadata"] | {"usage_object": USAGE}
    counted = payload | {"id": "2", "litellm_call_id": None, "metadata": metadata}
    answers = [
        gateway.post(GUARDRAIL, call_of_litellm(**BEFORE)),
        gateway.post(GUARDRAIL, call_of_litellm(**BEFORE, model="nobody/knows")),
        gateway.post(GUARDRAIL, call_of_litellm(**BEFORE | {"input_type": "before"})),
        gateway.post(GUARDRAIL, json.dumps(call_of_litellm(**BEFORE))[:-1]),
        gateway.post(LOG, [payload, payload | {"status": SECRET, "id": "wrong"}]),
        gateway.post(LOG, [payload | {"status": "done", "call_type": SECRET}]),
        gateway.post(LOG, [payload | {"status": "done", "model": f"say {SECRET}"}]),
        gateway.post(LOG, [counted]),
        gateway.post(LOG, json.dumps([payload])[:-1]),
    ]
    assert {each.status for each in answers} == {200, 400}
    assert SECRET not in "".join(each.body for each in answers)
    assert SECRET not in capsys.readouterr().out
    assert database.rows("SELECT count(*) FROM ai_usage") == [(2,)]
    kept = {
        name
        for (name,) in database.rows(TABLES)
        if SECRET in str(database.rows(f"SELECT t::text FROM {name} AS t"))
    }
    assert kept == set()
