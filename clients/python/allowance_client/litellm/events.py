"""What LiteLLM's hooks say of a call that ended. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, cast
from uuid import UUID

from allowance_client.terms import Used

COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")

UNCERTAIN = ("Timeout", "APIConnectionError", "CancelledError")
"""Errors after which nobody knows what the vendor counts, by the names of their classes."""

UNCERTAIN_STATUSES = (408, 499, 504)


@dataclass(frozen=True)
class Ended:
    """A call that ended, as LiteLLM's log describes it."""

    call_id: str
    response_id: str
    started: float
    first_output: float
    ended: float
    provider: str | None
    model: str | None
    usage: Mapping[str, Any]
    cost: float
    cache_hit: bool
    client_left: bool
    key: Mapping[str, object] = field(default_factory=dict[str, object])

    @property
    def output_tokens(self) -> int:
        """The output that was counted, or guessed."""
        return _number(self.usage.get("completion_tokens"))

    @property
    def has_used_something(self) -> bool:
        """Whether anything is counted. A cached response counts, and costs nothing."""
        counted = (isinstance(each, int | float) and each > 0 for each in self.usage.values())
        return self.cache_hit or bool(self.cost) or any(counted)

    @property
    def had_begun(self) -> bool:
        """Whether a part of the response had come before it failed."""
        return self.output_tokens > 0 or 0 < self.first_output < self.ended

    @property
    def record_id(self) -> str:
        """The id of the usage record: the same if LiteLLM reports the same call again.

        A caller may choose the id of a call, and the same one again. So it has the vendor's id and
        the time, too.
        """
        told = json.dumps([self.call_id, self.response_id, self.started])
        digest = sha256(told.encode()).hexdigest()[:32]
        return f"{self.call_id}.{digest}" if _is_uuid(self.call_id) else digest

    @property
    def occurred_at(self) -> str:
        """When the call ended, as a record has it."""
        return datetime.fromtimestamp(self.ended, UTC).isoformat()

    def used(self, held_input: int | None = None) -> Used:
        """Return what to record. `held_input` is what a guess of the input may not fall below."""
        used: Used = {
            "id": self.record_id,
            "occurred_at": self.occurred_at,
        }
        if self.provider:
            used["provider"] = self.provider
        if self.model:
            used["model"] = self.model
        if self.cache_hit:
            return {**used, "tokens": {}}
        usage = dict(self.usage)
        lacking = max(0, (held_input or 0) - _number(usage.get("prompt_tokens")))
        if lacking:
            usage["prompt_tokens"] = _number(usage.get("prompt_tokens")) + lacking
            usage["total_tokens"] = _number(usage.get("total_tokens")) + lacking
        elif self.cost:
            # LiteLLM also writes 0 where it knows no price, which is no statement.
            used["cost_usd"] = f"{Decimal(repr(self.cost)):f}"
        if self.cost and not any(_number(usage.get(name)) for name in COUNTS):
            # It is kept without a price, rather than counted as nothing.
            usage["response_cost"] = self.cost
        return {**used, "usage_format": "litellm", "usage": usage}


def ended(details: Mapping[str, Any], response: object = None) -> Ended | None:
    """Return what a log says of a call. None: LiteLLM made no log of it.

    `details` are the arguments of a success event, or the request of a failure. The usage of a
    response is an object, but a dictionary in streamed Responses; the log has either as one.
    """
    log = _mapping(details.get("standard_logging_object"))
    call_id = log.get("litellm_call_id") or details.get("litellm_call_id")
    if not log or not isinstance(call_id, str):
        return None
    metadata = _mapping(log.get("metadata"))
    usage = (
        as_mapping(details.get("combined_usage_object"))
        or as_mapping(metadata.get("usage_object"))
        or as_mapping(_member(response, "usage"))
        or {name: log.get(name) for name in COUNTS}
    )
    provider = log.get("custom_llm_provider") or None
    parameters = _mapping(details.get("litellm_params"))
    return Ended(
        call_id=call_id,
        response_id=str(log.get("id")),
        started=_seconds(log.get("startTime")),
        first_output=_seconds(log.get("completionStartTime")),
        ended=_seconds(log.get("endTime")),
        provider=provider,
        model=_without_provider(log.get("model"), provider),
        usage=_counts(usage),
        cost=_seconds(log.get("response_cost")),
        cache_hit=log.get("cache_hit") is True,
        client_left=_mapping(parameters.get("metadata")).get("client_disconnected") is True,
        key=metadata,
    )


def is_uncertain(error: BaseException) -> bool:
    """Return whether the vendor may count a call that ended with this error."""
    return getattr(error, "status_code", None) in UNCERTAIN_STATUSES or any(
        kind.__name__ in UNCERTAIN for kind in type(error).__mro__
    )


def as_mapping(value: object) -> dict[str, Any]:
    """Return a usage object as a dictionary; empty: it is none."""
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    dump = getattr(value, "model_dump", None)
    return cast("dict[str, Any]", dump(mode="json")) if callable(dump) else {}


def _counts(usage: Mapping[str, Any]) -> dict[str, Any]:
    """Return a usage object without what is null: `cost` beside it is LiteLLM's, and stated."""
    return {name: value for name, value in usage.items() if value is not None and name != "cost"}


def _without_provider(model: object, provider: object) -> str | None:
    if not isinstance(model, str) or not model:
        return None
    return model.removeprefix(f"{provider}/") if provider else model


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _member(value: object, name: str) -> object:
    found = _mapping(value)
    return found.get(name) if found else getattr(value, name, None)


def _number(value: object) -> int:
    return value if type(value) is int and value > 0 else 0


def _seconds(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
