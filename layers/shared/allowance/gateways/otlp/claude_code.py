"""The events of Claude Code, which one person's machine sends for each request to a model. Pure.

https://code.claude.com/docs/en/monitoring-usage, "API request event". The counts are those of
Anthropic's API: `input_tokens` excludes cached tokens. `cost_usd` is an estimate by Claude Code.
"""

from collections.abc import Mapping
from typing import Any

from allowance.errors import Problem
from allowance.gateways.parsed import Refused

PREFIX = "claude_code."
SERVICE = "claude-code"
REQUEST = "api_request"

PROVIDER = "anthropic"
"""An event names no provider, unless a collector adds it. The price book knows Claude's names on
Bedrock and Vertex AI by the model.
"""

COUNTS: Mapping[str, str] = {
    "input_tokens": "input",
    "output_tokens": "output",
    "cache_read_tokens": "cache_read",
    "cache_creation_tokens": "cache_write",
}
REQUIRED = ("model", "input_tokens", "output_tokens")

NO_SPEED = frozenset({"normal", "standard"})


def is_request(event: str | None, body: object, service: object) -> bool:
    """Return whether an event of this name, body and service is a request of Claude Code.

    The event's name lacks the prefix, which the body has.
    """
    if f"{PREFIX}{REQUEST}" in (event, body):
        return True
    return event == REQUEST and service == SERVICE


def call_of(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the provider, the model, the counts and the stated cost of a request, as fields of a
    usage record. Raise Refused.
    """
    if absent := [name for name in REQUIRED if attributes.get(name) in {None, ""}]:
        raise Refused(*(Problem(name, "Missing.") for name in absent))
    unknown = [
        name
        for name in attributes
        if name.endswith("_tokens") and name not in COUNTS and attributes[name] not in {0, "0"}
    ]
    if unknown:
        detail = f"Is not known. Known are {', '.join(COUNTS)}."
        raise Refused(*(Problem(name, detail) for name in unknown))
    call: dict[str, Any] = {
        "provider": attributes.get("gen_ai.provider.name") or PROVIDER,
        "model": attributes["model"],
        "tokens": {
            kind: attributes[name]
            for name, kind in COUNTS.items()
            if attributes.get(name) is not None
        },
    }
    if (cost := attributes.get("cost_usd")) is not None:
        call["cost_usd"] = cost
    if (speed := attributes.get("speed")) not in NO_SPEED and speed:
        call["variant"] = speed
    return call
