"""The accounts of the stores of doors, and messages of their senders."""

from typing import Any

from allowance.gateways.litellm.guardrail import GuardrailStore
from allowance.gateways.litellm.guardrail_models import LiteLLMCall
from allowance.gateways.litellm.log import LogStore
from allowance.gateways.litellm.log_models import EXAMPLE, LiteLLMLog
from tests.accounting import Account, now


def call_of_litellm(**changes: Any) -> dict[str, Any]:
    """What LiteLLM's guardrail sends before a call of maya."""
    return {
        "input_type": "request",
        "litellm_call_id": "call-1",
        "model": "p/m",
        "texts": ["Hello"],
        "request_data": {"user_api_key_user_id": "maya"},
    } | changes


def payload_of_litellm(**changes: Any) -> dict[str, Any]:
    """What LiteLLM logs of it, a moment ago."""
    ended = now().timestamp()
    times = {"startTime": ended - 1, "endTime": ended}
    names = {"litellm_call_id": "call-1", "model": "p/m", "custom_llm_provider": "p"}
    return EXAMPLE | times | names | changes


def record_some(store: LogStore) -> None:
    """Record a call, and another of its id; release what is held for one that failed."""
    failed = {"status": "failure", "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    payloads = [
        payload_of_litellm(),
        payload_of_litellm(prompt_tokens=5),
        payload_of_litellm(response_cost=0, **failed),
    ]
    store.record(LiteLLMLog.model_validate(payloads))


GATEWAY_ACCOUNTS: dict[tuple[type, str], Account] = {
    (GuardrailStore, "decide"): Account(
        ["create ai_usage"], lambda s, _: s.decide(LiteLLMCall.model_validate(call_of_litellm()))
    ),
    (LogStore, "record"): Account(["create ai_usage"], lambda s, _: record_some(s)),
}
