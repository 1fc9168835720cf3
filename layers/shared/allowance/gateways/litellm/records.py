"""The usage record of a call that LiteLLM logged. Pure."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from allowance.contract.fields import UUID_FORM, rfc3339
from allowance.gateways.counts_only import counts_only
from allowance.gateways.identity import is_name
from allowance.gateways.litellm.callers import SOURCE, is_key
from allowance.gateways.litellm.log_models import Payload
from allowance.gateways.litellm.names import NO_MODEL, provider_and_model
from allowance.gateways.parsed import RESERVATION_KEY

NAMES: Mapping[str, str] = {
    "user": "metadata",
    "provider": "custom_llm_provider",
    "occurred_at": "endTime",
    "usage": "metadata.usage_object",
    "tokens": "metadata.usage_object",
    "cost_usd": "response_cost",
    RESERVATION_KEY: "litellm_call_id",
}
"""LiteLLM's names of the fields of a record."""

COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")


def record_of(payload: Payload, user: str) -> dict[str, Any]:
    """Return the usage record of a call that used something, for `usage.recording.record`.

    It settles the reservation of the call, if the guardrail made one. A response from LiteLLM's own
    cache costs nothing, so its tokens are left out.
    """
    provider, model = provider_and_model(payload.custom_llm_provider, payload.model)
    made: dict[str, Any] = {
        "source": SOURCE,
        "id": record_id_of(payload),
        "user": user,
        "provider": provider,
        "model": model,
        "occurred_at": rfc3339(datetime.fromtimestamp(payload.ended, UTC)),
    }
    if (key := key_of(payload)) is not None:
        made[RESERVATION_KEY] = key
    if payload.cache_hit:
        return made | {"tokens": {}}
    if payload.response_cost:
        # LiteLLM also writes 0 where it knows no price, which is no statement.
        made["cost_usd"] = payload.response_cost
    return made | {"usage_format": "litellm", "usage": _usage_of(payload)}


def key_of(payload: Payload) -> str | None:
    """Return the key of what the guardrail may hold for a call. None: it holds nothing by it."""
    return payload.litellm_call_id if is_key(payload.litellm_call_id) else None


def models_of(payload: Payload) -> frozenset[str]:
    """Return the names by which the guardrail may hold money for the model of a call.

    LiteLLM tells the guardrail the name that its administrator gave to a group of deployments, and
    some versions tell it none.
    """
    model = payload.model
    names = {payload.model_group, model, f"{payload.custom_llm_provider}/{model}", NO_MODEL}
    return frozenset(provider_and_model(None, each)[1] for each in names if each)


def record_id_of(payload: Payload) -> str:
    """Return the id of a call's record: the vendor's, which LiteLLM's spend log has too, so that an
    import of the spend log counts no call twice. A response from the cache repeats the vendor's id,
    and LiteLLM's own ids of Responses are longer than the id of a record may be.
    """
    if is_name(payload.id) and payload.id != payload.litellm_call_id:
        return other_id_of(payload) if payload.cache_hit else payload.id
    return other_id_of(payload)


def other_id_of(payload: Payload) -> str:
    """Return an id that no other call has, whatever its own ids are. It is the same if LiteLLM
    sends its log again.

    The caller of LiteLLM may choose `litellm_call_id`, and choose the same one again. So the id
    also has the vendor's id and the times of the call.
    """
    told = [payload.litellm_call_id, payload.id, payload.started, payload.ended]
    digest = sha256(json.dumps(told).encode()).hexdigest()[:16]
    call_id = payload.litellm_call_id or ""
    return f"{call_id}.{digest}" if UUID_FORM.fullmatch(call_id) else digest


def _usage_of(payload: Payload) -> dict[str, Any]:
    """Return the usage object in LiteLLM's form. A cost without a token is put into it, so that it
    is kept without a price rather than counted as nothing.
    """
    stated: dict[str, Any] = counts_only(payload.metadata.usage_object or {}) or {
        name: getattr(payload, name) for name in COUNTS
    }
    counts: Sequence[int] = [getattr(payload, name) for name in COUNTS]
    if payload.response_cost and not any(counts):
        return stated | {"response_cost": payload.response_cost}
    return stated
