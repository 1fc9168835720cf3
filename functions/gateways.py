"""The doors of other people's protocols: each sender has its own path after its name."""

from allowance.gateways.envoy.check_models import Checked
from allowance.gateways.envoy.store import AccessLogStore, CheckStore
from allowance.gateways.litellm.guardrail import GuardrailStore
from allowance.gateways.litellm.guardrail_models import LiteLLMCall, LiteLLMDecision
from allowance.gateways.litellm.log import LogStore
from allowance.gateways.litellm.log_models import LiteLLMLog, LiteLLMLogResults
from allowance.gateways.openmeter.event_models import Events
from allowance.gateways.openmeter.store import EventStore
from allowance.gateways.otlp.export_models import ExportAnswer, LogExport
from allowance.gateways.otlp.store import LogStore as OtlpStore
from allowance.gateways.portkey.hook_models import HookMessage, Verdict
from allowance.gateways.portkey.store import HookStore
from allowance.http.api import Api
from allowance.http.request import Request
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


@app.post("/api/v2/ai/in/otlp/v1/logs", needs=Action.CREATE)
def record_log_records(store: OtlpStore, export: LogExport) -> ExportAnswer:
    """Record the calls that log records count (OTLP/HTTP in JSON)."""
    return store.record(export)


@app.post("/api/v2/ai/in/otlp/v1/metrics", needs=Action.CREATE)
def refuse_metrics(store: OtlpStore) -> None:
    """Refuse metrics: they would count twice what log records count."""
    store.refuse_metrics()


@app.post("/api/v2/ai/in/otlp/v1/traces", needs=Action.CREATE)
def refuse_traces(store: OtlpStore) -> None:
    """Refuse traces: spans repeat the counts of their parts."""
    store.refuse_traces()


@app.post("/api/v2/ai/in/openmeter/api/v1/events", needs=Action.CREATE)
def record_events(store: EventStore, events: Events) -> None:
    """Record the tokens that CloudEvents count (OpenMeter, Kong)."""
    store.record(events)


@app.post("/api/v2/ai/in/portkey/guardrail", needs=Action.CREATE)
def run_hook(store: HookStore, message: HookMessage) -> Verdict:
    """Decide about a call of Portkey, or record it (Portkey's webhook guardrail)."""
    return store.run(message)


@app.post("/api/v2/ai/in/envoy/check/{provider}/{path+}", needs=Action.CREATE)
def check_call(store: CheckStore, provider: str, request: Request) -> Checked:
    """Admit a call of Envoy, and hold its estimate, or refuse it (ext_authz over HTTP)."""
    return store.check(provider, request.headers, request.content)


@app.post("/api/v2/ai/in/envoy/v1/logs", needs=Action.CREATE)
def record_access_log(store: AccessLogStore, export: LogExport) -> ExportAnswer:
    """Record the calls in Envoy's access log, and settle what was held (OTLP/HTTP in JSON)."""
    return store.record(export)


handler = app.handler
