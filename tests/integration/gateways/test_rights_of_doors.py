"""Who may use a door."""

from tests.gateway import Client

OTLP = "/api/v2/ai/in/otlp/v1/logs"
EVENTS = "/api/v2/ai/in/openmeter/api/v1/events"
HOOK = "/api/v2/ai/in/portkey/guardrail"
CHECK = "/api/v2/ai/in/envoy/check/openai/v1/chat/completions"
ACCESS_LOG = "/api/v2/ai/in/envoy/v1/logs"


def test_doors_need_the_right_to_record(maya: Client) -> None:
    for path in (OTLP, EVENTS, HOOK, CHECK, ACCESS_LOG):
        assert maya.post(path, {}).status == 404
        assert Client().post(path, {}).status == 401
