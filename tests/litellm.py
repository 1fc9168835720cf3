"""LiteLLM for tests: what its guardrail and its log send, and the settings of its source."""

from typing import Any

from tests.gateway import Client
from tests.gateway_accounts import call_of_litellm, payload_of_litellm

DOOR = "/api/v2/ai/in/litellm"
GUARDRAIL = f"{DOOR}/beta/litellm_basic_guardrail_api"
LOG = f"{DOOR}/log"

ESTIMATE = 40_966
"""What `call_of_litellm` may cost at the prices of the fixture `gateway`: 3 tokens, and 4,096 of
output.
"""

COST = 4_000
"""What `payload_of_litellm` costs there: 1,000 tokens, 200 of output."""

NOTHING: dict[str, Any] = {
    "status": "failure",
    "prompt_tokens": 0,
    "completion_tokens": 0,
    "total_tokens": 0,
    "response_cost": 0,
}
"""The changes of a payload of a call that failed before it used something."""


def decide(client: Client, **changes: Any) -> tuple[str, str]:
    """The action for a call, and the reason."""
    answer = client.post(GUARDRAIL, call_of_litellm(**changes))
    assert answer.status == 200, answer.body
    decided = answer.json()
    return decided["action"], decided["blocked_reason"] or ""


def log(client: Client, *payloads: object) -> list[dict[str, Any]]:
    """The results of payloads."""
    answer = client.post(LOG, list(payloads))
    assert answer.status == 200, answer.body
    return answer.json()["results"]


def log_one(client: Client, **changes: Any) -> dict[str, Any]:
    (result,) = log(client, payload_of_litellm(**changes))
    return result


def configure(owner: Client, **settings: Any) -> None:
    """Set the settings of the source `litellm`."""
    answer = owner.put("/api/v2/ai/sources/litellm", {"cost_from": "book"} | settings)
    assert answer.status == 200, answer.body
