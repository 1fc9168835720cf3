"""What callers state: the call that they are about to make, and what it used. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Required, TypedDict
from uuid import uuid4

Record = Mapping[str, Any]
"""A usage record, as docs/usage.md describes it."""


class CallTerms(TypedDict, total=False):
    """A call that is about to be made. `estimate` is `{"tokens": {...}, "units": {...}}` or
    `{"cost_micros": 12000}`. `id` is the caller's own key; without one, the client makes one.
    """

    user: Required[str]
    provider: Required[str]
    model: Required[str]
    estimate: Required[Mapping[str, Any]]
    id: str
    variant: str
    group: str
    labels: Mapping[str, str]
    ttl_seconds: int


class Used(TypedDict, total=False):
    """What a call used: `tokens` and `units`, or the vendor's own `usage` and its `usage_format`.
    What is not stated is as it was reserved: the model, the group, the labels, the time.
    """

    tokens: Mapping[str, int]
    units: Mapping[str, int]
    usage: Mapping[str, Any]
    usage_format: str
    cost_micros: int
    cost_usd: str
    requests: int
    id: str
    occurred_at: datetime | str
    provider: str
    model: str
    variant: str
    group: str
    labels: Mapping[str, str]
    provider_name: str


COUNTED = ("tokens", "units", "usage")
CARRIED = ("user", "provider", "model", "variant", "group", "labels")
"""What a usage has of the request that reserved it."""


def reservation_body(terms: CallTerms, source: str) -> dict[str, Any]:
    """Return the body of a request to reserve. A retry has the same body, so the same key."""
    return {"id": uuid4().hex, "source": source, **terms}


def usage_record(request: Mapping[str, Any], asked_at: str, used: Used) -> dict[str, Any]:
    """Return the usage record of a call that was reserved by a request.

    Its id is the reservation's key, and its time the time of the request, unless it states others.
    So the same call has the same record, whenever it is sent. Raise ValueError for what Allowance
    would reject by its form: it fails where it is stated, and not when it is sent.
    """
    _check(used)
    carried = {name: request[name] for name in CARRIED if name in request}
    record: dict[str, Any] = {"source": request["source"], "id": request["id"], **carried, **used}
    record["occurred_at"] = time_text(used.get("occurred_at", asked_at))
    return record


def _check(used: Used) -> None:
    if not any(name in used for name in COUNTED):
        raise ValueError(f"State what the call used, in one of {', '.join(COUNTED)}.")
    if unknown := used.keys() - Used.__annotations__.keys():
        raise ValueError(f"A usage has no {', '.join(sorted(unknown))}.")
    is_counted = "tokens" in used or "units" in used
    if is_counted == ("usage" in used) or ("usage" in used) != ("usage_format" in used):
        raise ValueError("State either tokens or units, or usage and usage_format.")
    if "cost_micros" in used and "cost_usd" in used:
        raise ValueError("State either cost_micros or cost_usd.")
    for name, count in {**(used.get("tokens") or {}), **(used.get("units") or {})}.items():
        if type(count) is not int or count < 0:
            raise ValueError(f"{name} must be a whole number, and not negative.")


def time_text(time: datetime | str) -> str:
    """Return a time as a record has it. Raise ValueError for a time without a zone."""
    if isinstance(time, str):
        return time
    if time.utcoffset() is None:
        raise ValueError("occurred_at must have a time zone")
    return time.isoformat()


def with_times(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Return records with their times as text. Raise ValueError for a time without a zone."""
    return [
        {**each, "occurred_at": time_text(each["occurred_at"])}
        if "occurred_at" in each
        else {**each}
        for each in records
    ]


class LeaseTerms(TypedDict, total=False):
    """The calls of a lease: each is of this user, to this model."""

    user: Required[str]
    provider: Required[str]
    model: Required[str]
    variant: str
    group: str
    labels: Mapping[str, str]
