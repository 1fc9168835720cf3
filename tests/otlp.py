"""Exports of OTLP in JSON, as exporters write them: synthetic values, documented shapes."""

from typing import Any

SECRET = "please summarize the merger"
NANOSECONDS = "1795327200123456789"
"""2026-11-22T06:00:00.123456789Z."""
OCCURRED_AT = "2026-11-22T06:00:00.123456Z"


def value(of: Any) -> dict[str, Any]:
    """A value of OTLP: 64-bit integers are texts in the JSON of Protocol Buffers."""
    match of:
        case bool():
            return {"boolValue": of}
        case int():
            return {"intValue": str(of)}
        case float():
            return {"doubleValue": of}
        case dict() | list():
            return {"kvlistValue": {"values": [{"key": "x", "value": value(str(of))}]}}
        case _:
            return {"stringValue": of}


def attributes(of: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": name, "value": value(each)} for name, each in of.items()]


def log_record(of: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"timeUnixNano": NANOSECONDS, "attributes": attributes(of), **fields}


def export(*records: dict[str, Any], resource: dict[str, Any] | None = None) -> dict[str, Any]:
    """One resource, one scope, and these log records."""
    scope = {"scope": {"name": "com.anthropic.claude_code.events"}, "logRecords": list(records)}
    holder = {"attributes": attributes(resource or {"service.name": "claude-code"})}
    return {"resourceLogs": [{"resource": holder, "scopeLogs": [scope]}]}


def claude_request(**changed: Any) -> dict[str, Any]:
    """The event of a request of Claude Code. Its prompt is in the body, where nothing reads it."""
    of: dict[str, Any] = {
        "event.name": "api_request",
        "event.sequence": 3,
        "session.id": "5d0e1f4c",
        "user.email": "maya@acme.example",
        "model": "claude-sonnet-4-5-20250929",
        "cost_usd": 0.01515,
        "duration_ms": 2412,
        "input_tokens": 50,
        "output_tokens": 500,
        "cache_read_tokens": 1000,
        "cache_creation_tokens": 2000,
    }
    kept = {name: each for name, each in (of | changed).items() if each is not None}
    return log_record(kept, body={"stringValue": "claude_code.api_request"})


GEN_AI = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-5.1",
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.output_tokens": 200,
}
"""The attributes of a call by the semantic conventions."""
