"""Portkey's webhook guardrail: a decision before a call, and its usage after it. Pure.

https://portkey.ai/docs/integrations/guardrails/bring-your-own-guardrails. The messages have prompts
and responses in them: of these, only the model and the usage object go on.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Literal, cast

from allowance.contract.fields import rfc3339
from allowance.errors import Problem
from allowance.gateways.counts_only import counts_only
from allowance.gateways.identity import is_name
from allowance.gateways.parsed import NO_IDENTITY, Refused, Sender

BEFORE, AFTER = "beforeRequestHook", "afterRequestHook"

NAMES: Mapping[str, str] = {
    "id": "response.json.id",
    "user": "metadata",
    "model": "response.json.model",
    "occurred_at": "response.json.created",
    "usage": "response.json.usage",
    "variant": "response.json.service_tier",
}
"""Portkey's names of the fields of a record."""

METADATA = "metadata."
"""The beginning of an identity field. Callers write metadata, so only settings make one trusted."""


def hook_of(document: Mapping[str, Any]) -> Literal["before", "after"]:
    """Return when the hook runs. Raise Refused."""
    match document.get("eventType"):
        case "beforeRequestHook":
            return "before"
        case "afterRequestHook":
            return "after"
        case _:
            raise Refused(Problem("eventType", f"Must be {BEFORE} or {AFTER}."))


def question_of(document: Mapping[str, Any], sender: Sender, key: str) -> dict[str, Any]:
    """Return the reservation request of a call that is about to be made. Raise Refused.

    Portkey sends no id that both hooks know, so nothing could settle a hold: the request asks for
    the decision alone.
    """
    request = _object(document, "request")
    model = _text(_object(request, "json", "request."), "model", "request.json.")
    provider = _text(document, "provider")
    if sender.estimate_micros is None:
        detail = (
            f"The source {sender.source} has no `estimate_micros`, and the message no estimate."
        )
        raise Refused(Problem("estimate_micros", detail))
    return {
        "id": key,
        "source": sender.source,
        "user": user_of(document, sender),
        "provider": provider,
        "model": model,
        "estimate": {"cost_micros": sender.estimate_micros},
        "dry_run": True,
    }


def record_of(document: Mapping[str, Any], sender: Sender) -> dict[str, Any]:
    """Return the usage record of a call that was made. Raise Refused.

    `usage` is the object of the response, which OpenAI's form has. The id of the response makes it
    count once.
    """
    response = _object(_object(document, "response"), "json", "response.")
    provider = _text(document, "provider")
    name = _text(response, "id", "response.json.")
    usage = _object(response, "usage", "response.json.")
    created = response.get("created")
    if type(created) is not int or not 0 < created < 1 << 33:
        detail = "Must be the time of the response, in seconds since 1970."
        raise Refused(Problem("response.json.created", detail))
    asked = _object(_object(document, "request"), "json", "request.")
    model = response.get("model") or asked.get("model")
    if not isinstance(model, str):
        raise Refused(Problem("response.json.model", "Must be a text."))
    record: dict[str, Any] = {
        "source": sender.source,
        "id": name if len(name) <= 128 else sha256(name.encode()).hexdigest(),
        "user": user_of(document, sender),
        "provider": provider,
        "model": model,
        "occurred_at": rfc3339(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=created)),
        "usage_format": "openai",
        "usage": counts_only(usage),
    }
    tier = response.get("service_tier")
    return record | (
        {"variant": tier} if isinstance(tier, str) and "service_tier" not in usage else {}
    )


def user_of(document: Mapping[str, Any], sender: Sender) -> str:
    """Return the user that the first trusted field of the metadata names; NO_IDENTITY if none."""
    metadata = document.get("metadata")
    found = cast("dict[str, Any]", metadata) if isinstance(metadata, dict) else {}
    for name in sender.identity:
        value = found.get(name.removeprefix(METADATA)) if name.startswith(METADATA) else None
        if is_name(value):
            return str(value)
    return NO_IDENTITY


def _object(holder: Mapping[str, Any], name: str, before: str = "") -> dict[str, Any]:
    value = holder.get(name)
    if not isinstance(value, dict):
        raise Refused(Problem(f"{before}{name}", "Must be an object."))
    return cast("dict[str, Any]", value)


def _text(holder: Mapping[str, Any], name: str, before: str = "") -> str:
    value = holder.get(name)
    if not isinstance(value, str) or not value:
        raise Refused(Problem(f"{before}{name}", "Must be a text."))
    return value
