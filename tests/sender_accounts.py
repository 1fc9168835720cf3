"""The accounts of the doors of OpenTelemetry, OpenMeter, Portkey and Envoy."""

from collections.abc import Callable
from contextlib import suppress

from allowance.errors import ValidationFailed
from allowance.gateways.envoy.store import AccessLogStore, CheckStore
from allowance.gateways.openmeter.event_models import Events
from allowance.gateways.openmeter.store import EventStore
from allowance.gateways.otlp.export_models import LogExport
from allowance.gateways.otlp.store import LogStore
from allowance.gateways.portkey.hook_models import HookMessage
from allowance.gateways.portkey.store import HookStore
from tests.accounting import Account
from tests.otlp import GEN_AI, export, log_record

EXPORT = LogExport.model_validate(export(log_record(GEN_AI)))
EVENTS = Events(
    events=[
        {
            "id": "1",
            "source": "kong",
            "subject": "maya",
            "time": "2026-11-20T10:00:00Z",
            "data": {"tokens": "1", "type": "request", "model": "m", "provider": "p"},
        }
    ]
)


def refusing(refuse: Callable[[], None]) -> None:
    """Refuse a signal, which no right makes acceptable."""
    with suppress(ValidationFailed):
        refuse()


SENDER_ACCOUNTS: dict[tuple[type, str], Account] = {
    (LogStore, "record"): Account(["create ai_usage"], lambda s, _: s.record(EXPORT)),
    (LogStore, "refuse_metrics"): Account(
        ["create ai_usage"], lambda s, _: refusing(s.refuse_metrics)
    ),
    (LogStore, "refuse_traces"): Account(
        ["create ai_usage"], lambda s, _: refusing(s.refuse_traces)
    ),
    (EventStore, "record"): Account(["create ai_usage"], lambda s, _: s.record(EVENTS)),
    (HookStore, "run"): Account(
        ["create ai_usage"],
        lambda s, _: s.run(HookMessage.model_validate({"eventType": "beforeRequestHook"})),
    ),
    (CheckStore, "check"): Account(
        ["create ai_usage"], lambda s, _: refusing(lambda: s.check("p", {}, b""))
    ),
    (AccessLogStore, "record"): Account(["create ai_usage"], lambda s, _: s.record(EXPORT)),
}
