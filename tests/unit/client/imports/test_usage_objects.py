"""Usage objects in logs: their numbers are kept, prompts are not, and bad ones are refused."""

import json
from typing import Any

import pytest

from allowance_client.imports.problems import Findings
from tests.imports import records, refusal, sample

LOGS = "litellm-spend-logs"
CALL: dict[str, Any] = {
    "request_id": "c1",
    "startTime": "2026-11-03T10:00:00Z",
    "model": "gpt-5.1",
    "custom_llm_provider": "openai",
    "prompt_tokens": 3,
    "completion_tokens": 2,
}


def call(**usage: Any) -> str:
    counts = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    return json.dumps(CALL | {"metadata": {"usage_object": counts | usage}})


def nested(depth: int) -> dict[str, Any]:
    return {"a": nested(depth - 1)} if depth else {}


@pytest.mark.parametrize(
    ("usage", "problem"),
    [
        ({"prompt_tokens_details": {"cached_tokens": -1}}, "prompt_tokens_details.cached_tokens"),
        ({"prompt_tokens_details": {"cached_tokens": 0.5}}, "prompt_tokens_details.cached_tokens"),
        ({"prompt_tokens_details": {"cached_tokens": "2"}}, "prompt_tokens_details.cached_tokens"),
        ({"iterations": [{"input_tokens": -1}]}, "iterations[0].input_tokens"),
        ({"cost": -0.5}, "cost"),
        ({"other": 10**40}, "other"),
        ({f"n{n}": n for n in range(2000)}, ""),
        ({"deep": nested(8)}, "deep.a.a.a.a.a.a.a"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_the_service_rejects_refuses_the_file(usage: dict[str, Any], problem: str) -> None:
    (found,) = refusal(LOGS, call(**usage))
    assert found.startswith(f"row 1, metadata.usage_object.{problem}: must ")


def test_texts_are_left_out_and_named() -> None:
    findings = Findings()
    usage = {
        "note": "A secret prompt.",
        "service_tier": "flex",
        "speed": "A secret answer.",
        "iterations": [{"type": "message", "text": "secret"}, "secret"],
        "prompt_tokens_details": {"cached_tokens": 1, "audio_tokens": None},
        "cost": 0.25,
    }
    (record,) = records(LOGS, call(**usage), findings)
    assert record["usage"] == {
        "prompt_tokens": 3,
        "completion_tokens": 2,
        "total_tokens": 5,
        "service_tier": "flex",
        "iterations": [{"type": "message"}],
        "prompt_tokens_details": {"cached_tokens": 1, "audio_tokens": None},
        "cost": 0.25,
    }
    path = "texts of metadata.usage_object"
    assert {each for each in findings.left_out if each.startswith("texts")} == {
        f"{path}.note: only numbers",
        f"{path}.speed: only numbers",
        f"{path}.iterations: only numbers",
        f"{path}.iterations.text: only numbers",
    }


def test_a_body_of_bedrock_is_kept_without_texts() -> None:
    log = json.loads(sample("bedrock-logs.json").split("\n")[0])
    log["output"]["outputBodyJson"]["usage"] |= {"note": "secret", "serviceTier": "flex"}
    findings = Findings()
    (record,) = records("bedrock-logs", json.dumps(log), findings)
    assert record["usage"]["serviceTier"] == "flex"
    assert "secret" not in str(record)
    assert findings.left_out == {"texts of output.outputBodyJson.usage.note: only numbers": 1}


def test_a_stream_that_broke_is_recorded_for_what_it_used() -> None:
    log = json.loads(sample("bedrock-logs.json").split("\n")[1])
    log["errorCode"] = "ModelStreamErrorException"
    (record,) = records("bedrock-logs", json.dumps(log))
    assert record["tokens"] == {"input": 7, "output": 3}
    del log["output"]["outputTokenCount"]
    assert records("bedrock-logs", json.dumps(log)) == []
    log["output"]["outputBodyJson"] = {"usage": {"inputTokens": 7, "outputTokens": 3}}
    (record,) = records("bedrock-logs", json.dumps(log))
    assert record["usage"]["outputTokens"] == 3


def test_a_field_that_names_no_user_is_refused() -> None:
    assert refusal(LOGS, call(), identity=("usr",), is_identity_asked=True) == [
        "--user-from: usr: no field of this format names a user so."
    ]
    findings = Findings()
    (record,) = records(LOGS, call(), findings, identity=("header:x-user", "user"))
    assert record["user"] == "litellm-key:unknown"
    assert "the identity header:x-user of the source's settings, not in this format" in (
        findings.left_out
    )
    bedrock = sample("bedrock-logs.json")
    (problem,) = refusal("bedrock-logs", bedrock, identity=("user",), is_identity_asked=True)
    assert problem.startswith("--user-from: user: no field")
    with_account = records("bedrock-logs", bedrock, identity=("accountId",), is_identity_asked=True)
    assert {each["user"] for each in with_account} == {"123456789012"}


def test_a_door_s_names_of_fields_find_the_columns() -> None:
    row = json.dumps(CALL | {"user": "maya", "end_user": "guest", "metadata": {}})
    found = [
        records(LOGS, row, identity=(name,))[0]["user"]
        for name in ("user_api_key_user_id", "user_api_key_end_user_id")
    ]
    assert found == ["maya", "guest"]
