"""A call of LiteLLM that its log sends, and its row in the spend logs: the same record."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from allowance.gateways.litellm.log_models import EXAMPLE, Payload
from allowance.gateways.litellm.records import record_of
from allowance.usage.records import Usage, usage_of
from tests.imports import records

KEY = "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b"
USAGE = {
    "prompt_tokens": 1000,
    "completion_tokens": 200,
    "total_tokens": 1200,
    "prompt_tokens_details": {"cached_tokens": 400, "audio_tokens": None},
    "service_tier": "default",
}


def row_of(payload: dict[str, Any], user: str | None) -> str:
    """The row that LiteLLM writes for the call. Its times have milliseconds."""
    times = {
        name: datetime.fromtimestamp(payload[name], UTC).isoformat(timespec="milliseconds")
        for name in ("startTime", "endTime")
    }
    same = ("model", "custom_llm_provider", "prompt_tokens", "completion_tokens", "total_tokens")
    return json.dumps(
        {name: payload[name] for name in same}
        | times
        | {
            "request_id": payload["id"],
            "api_key": KEY,
            "user": user,
            "spend": payload["response_cost"],
            "metadata": payload["metadata"],
        }
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"metadata": {"usage_object": USAGE}},
        {"metadata": {"user_api_key_alias": "laptop"}},
        {"metadata": {"usage_object": USAGE}, "response_cost": 0},
        {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "metadata": {}},
    ],
    ids=["details", "no details", "no cost", "a cost alone"],
)
@pytest.mark.parametrize("user", ["maya", None])
def test_a_call_has_the_same_content_by_both_ways(
    changes: dict[str, Any], user: str | None
) -> None:
    payload = EXAMPLE | changes
    sent = record_of(Payload.model_validate(payload), user or f"litellm-key:{KEY}")
    # The table of spend logs does not have the id by which the guardrail holds spend.
    del sent["reservation_key"]
    by_log = usage_of(sent)
    (record,) = records("litellm-spend-logs", row_of(payload, user))
    by_file = usage_of(record)
    assert isinstance(by_log, Usage)
    assert isinstance(by_file, Usage)
    assert by_file.key_digest == by_log.key_digest
    assert by_file.content_sha256 == by_log.content_sha256
