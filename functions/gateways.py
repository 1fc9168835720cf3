"""The doors of other people's protocols: each sender has its own path after its name."""

from allowance.gateways.litellm.guardrail import GuardrailStore
from allowance.gateways.litellm.guardrail_models import LiteLLMCall, LiteLLMDecision
from allowance.gateways.litellm.log import LogStore
from allowance.gateways.litellm.log_models import LiteLLMLog, LiteLLMLogResults
from allowance.http.api import Api
from allowance.rbac.policy import Action

app = Api()


@app.post("/api/v2/ai/in/litellm/beta/litellm_basic_guardrail_api", needs=Action.CREATE)
def decide_litellm_call(store: GuardrailStore, request: LiteLLMCall) -> LiteLLMDecision:
    """Admit a call of LiteLLM, and hold its estimate, or block it (LiteLLM's generic guardrail)."""
    return store.decide(request)


@app.post("/api/v2/ai/in/litellm/log", needs=Action.CREATE)
def record_litellm_calls(store: LogStore, batch: LiteLLMLog) -> LiteLLMLogResults:
    """Record what calls of LiteLLM used, and settle what was held (LiteLLM's generic log)."""
    return store.record(batch)


handler = app.handler
