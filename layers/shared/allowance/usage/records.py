"""Usage records as they are read. Pure."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple, cast
from uuid import UUID

from pydantic import ValidationError

from allowance.contract.fields import Body, rfc3339
from allowance.contract.foreign import document_name
from allowance.contract.validation import path_of, problems_of
from allowance.errors import Problem, UsageOutOfRange
from allowance.prices.cost import TOKEN_CLASSES, Tokens
from allowance.prices.units import NO_OTHERS, OtherUnit, OtherUnits
from allowance.usage.content import canonical_json, content_sha256_of
from allowance.usage.counts import TokenCounts, UnitCounts
from allowance.usage.kept import Kept, Understood, understand
from allowance.usage.labels import labels_text
from allowance.usage.record_shape import (
    CallRecord,
    UsageRecord,
    VoidRecord,
)
from allowance.usage.stated_cost import stated_in

MAX_AHEAD = timedelta(minutes=5)
"""How far a gateway's clock may be ahead of ours."""

FIRST_MOMENT = datetime(2020, 1, 1, tzinfo=UTC)
"""The ledger begins here. An earlier date is a mistake."""


class NamedReservation(NamedTuple):
    """The reservation that a record settles: its id, or the key of its maker."""

    id: UUID | None
    key: str | None


class Amends(NamedTuple):
    """A record amends a recorded usage. `revision` is the sender's number of its content."""

    revision: int | None


class Void(NamedTuple):
    """The key of a usage that its record takes back."""

    source: str
    id: str
    key_digest: bytes


class Usage(NamedTuple):
    """A usage record that was read. `occurred_at` is in UTC.

    `key_digest`, of source and id, makes it count once. `content_sha256`, of all its other fields,
    identifies a retry. `kept` is the object that gives it no cost yet, if it has one. An aggregate
    is of `extra_requests` more than one. `stated_cost_picos` is the cost that the record states, in
    1e-12 USD. `labels` are canonical JSON, empty without any. `group` is the name that was sent.
    `reservation` is the one that it settles. `amends`: it replaces what was recorded.
    """

    source: str
    id: str
    key_digest: bytes
    user: str
    provider: str
    model: str
    variant: str | None
    occurred_at: datetime
    tokens: Tokens
    content_sha256: bytes
    kept: Kept | None = None
    others: OtherUnits = NO_OTHERS
    extra_requests: int = 0
    stated_cost_picos: int | None = None
    labels: str = ""
    group: str | None = None
    provider_name: str | None = None
    reservation: NamedReservation | None = None
    amends: Amends | None = None


def usage_of(record: object) -> Usage | Void:
    """Return the usage of a record, or what it takes back. Raise UsageOutOfRange with every problem
    and its field.
    """
    try:
        if _is_key_of_void(record):
            void = VoidRecord.model_validate(record)
            return Void(void.source, void.id, key_digest_of(void.source, void.id))
        read = UsageRecord.model_validate(record)
    except ValidationError as error:
        problems = problems_of(error, VoidRecord if _is_key_of_void(record) else UsageRecord)
        if (name := document_name(record)) is not None:
            problems = [
                Problem(path_of(()), f"This looks like {name}. {UsageRecord.wanted()}"),
                *problems,
            ]
        raise UsageOutOfRange(problems) from error
    if read.void:
        return Void(read.source, read.id, key_digest_of(read.source, read.id))
    return usage_from(read)


def is_change(usage: Usage | Void) -> bool:
    """Return whether a record changes a usage that was recorded before."""
    return isinstance(usage, Void) or usage.amends is not None


_OF_CONTENT = UsageRecord.model_fields.keys() - VoidRecord.model_fields.keys()
"""The fields of which one makes a record more than the key of a usage."""


def _is_key_of_void(record: object) -> bool:
    """Return whether a record takes a usage back and says nothing more of it."""
    if not isinstance(record, dict):
        return False
    fields = cast("dict[str, object]", record)
    return fields.get("void") is True and not fields.keys() & _OF_CONTENT


def usage_from(read: CallRecord) -> Usage:
    """Return the usage of a record of the right shape. Raise UsageOutOfRange."""
    counted, stated, kept = _counted(read)
    return Usage(
        read.source,
        read.id,
        key_digest_of(read.source, read.id),
        read.user,
        read.provider,
        read.model,
        counted.variant,
        read.occurred_at,
        counted.tokens,
        content_sha256_of(_content(read)),
        kept,
        counted.others,
        counted.requests - 1,
        stated,
        labels_text(read.labels),
        read.group,
        read.provider_name,
        _reservation(read),
        _amends(read),
    )


def require_time(usage: Usage, now: datetime) -> None:
    """Raise UsageOutOfRange unless the usage is from FIRST_MOMENT to MAX_AHEAD from now."""
    if not FIRST_MOMENT <= usage.occurred_at <= now + MAX_AHEAD:
        detail = (
            f"Must be from {rfc3339(FIRST_MOMENT)} to {rfc3339(now + MAX_AHEAD)}, five "
            "minutes from now."
        )
        raise UsageOutOfRange([Problem("occurred_at", detail)])


def are_in_time(times: Collection[datetime], now: datetime) -> bool:
    """Return whether `require_time` raises for no usage of these times."""
    return min(times) >= FIRST_MOMENT and max(times) <= now + MAX_AHEAD


def key_digest_of(source: str, id: str) -> bytes:  # noqa: A002
    """Return the first half of the SHA-256 of source, line feed and id, in UTF-8.

    It is the key of `ai_usage_keys`, which keeps it forever.
    """
    return sha256(f"{source}\n{id}".encode()).digest()[:16]


def _reservation(read: CallRecord) -> NamedReservation | None:
    if not isinstance(read, UsageRecord):
        return None
    named = NamedReservation(read.reservation_id, read.reservation_key)
    return named if any(named) else None


def _amends(read: CallRecord) -> Amends | None:
    return Amends(read.revision) if isinstance(read, UsageRecord) and read.amends else None


def _content(read: CallRecord) -> dict[str, Any]:
    """Return what a record says beside its key, with JSON's types. The ways to write a cost are
    one, and so are the ways to count nothing.
    """
    left_out = {"source", "id", "tokens", "units", "requests", "cost_micros", "cost_usd", "labels"}
    left_out |= {"amends", "revision", "void"}
    stated: dict[str, Any] = {
        name: value for name, value in read if name not in left_out and value is not None
    }
    stated["occurred_at"] = rfc3339(read.occurred_at)
    if read.usage is None:
        stated["tokens"] = _set(read.tokens)
    if units := _set(read.units):
        stated["units"] = units
    if read.labels:
        stated["labels"] = read.labels
    if isinstance(read, UsageRecord) and read.reservation_id is not None:
        stated["reservation_id"] = str(read.reservation_id)
    if read.requests > 1:
        stated["requests"] = read.requests
    if read.stated_cost_picos is not None:
        stated["cost_picos"] = read.stated_cost_picos
    return stated


def counts_of(
    given_tokens: TokenCounts | None, given_units: UnitCounts | None
) -> tuple[Tokens, OtherUnits]:
    """Return the counts above 0: the tokens of text, and all others."""
    counts = _set(given_tokens) | _set(given_units)
    tokens = Tokens(*(counts.pop(name, 0) for name in TOKEN_CLASSES))
    return tokens, cast("dict[OtherUnit, int]", counts)


def _set(counts: Body | None) -> dict[str, int]:
    """Return the counts above 0."""
    return {name: count for name, count in counts or () if count}


def _counted(read: CallRecord) -> tuple[Understood, int | None, Kept | None]:
    """Return what a record counts, the cost that it states, and its object if that is kept."""
    stated = read.stated_cost_picos
    if read.usage_format is not None and read.usage is not None:
        found = understand(
            read.usage_format, read.usage, read.provider, read.model, read.variant, read.requests
        )
        kept = Kept(read.usage_format, canonical_json(read.usage), found.reasons)
        of_object = stated_in(read.usage_format, read.usage, read.provider)
        return found, of_object if stated is None else stated, kept if found.reasons else None
    tokens, others = counts_of(read.tokens, read.units)
    return Understood(tokens, read.variant, (), others, read.requests), stated, None
