"""Usage that settles a reservation: how to find the reservation, and what the database needs.

The statement that records usage also settles, so that each usage counts once, in the ledger and in
every budget that held money for it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any, Literal, NamedTuple
from uuid import UUID

from allowance.contract.fields import NIL_UUID, Row, Timestamp, rfc3339
from allowance.database.queries import Call, call
from allowance.errors import Problem, UsageOutOfRange
from allowance.prices.cost import PICOS_PER_MICRO
from allowance.usage.models import UsageProblem
from allowance.usage.records import NamedReservation, Usage
from allowance.usage.reservation_ids import granted_at, key_digest_of

KeptState = Literal["held", "settled", "released"]
"""The states of a row. One that is held until a time is expired from then on."""

BEFORE_GRANT = timedelta(minutes=5)
"""How far a gateway's clock may be behind ours."""


class Closer(NamedTuple):
    """Who settles: the user who made a reservation, or one who may settle those of everybody."""

    id: UUID | None
    closes_all: bool


NOBODY = Closer(None, closes_all=False)


class Granted(Row):
    """A reservation, whose it is, and whether it is closed."""

    maker_id: UUID
    user_id: UUID
    state: KeptState
    granted_at: Timestamp


class NamedByUsage(Granted):
    """A reservation that a usage names, by its id or its maker's key."""

    reservation_id: UUID
    key_digest: UUID


def call_of_reservations(usages: Iterable[Usage], closer: Closer) -> list[Call[NamedByUsage]]:
    """Return the query for the reservations that usages name, none if none does."""
    named = [each.reservation for each in usages if each.reservation is not None]
    if not named:
        return []
    ids = {each.id for each in named if each.id is not None and granted_at(each.id) is not None}
    digests = {digest for each in named if (digest := _digest(each, closer)) is not None}
    return [
        call(
            NamedByUsage,
            "find_named_reservations",
            reservation_ids=list(ids),
            granted_ats=[granted_at(each) for each in ids],
            reservation_keys=list(digests),
        )
    ]


class Settling:
    """What the usages of a batch settle: each reservation once, by the first of its usages."""

    def __init__(self, found: Iterable[NamedByUsage], closer: Closer) -> None:
        self._found = tuple(found)
        self._closer = closer
        self._settled: dict[UUID, Mapping[str, Any]] = {}

    @property
    def settlements(self) -> list[Mapping[str, Any]]:
        """The elements of `p_settlements` of record_ai_usage."""
        return list(self._settled.values())

    def settle(
        self, usage: Usage, user_id: str, cost_picos: int | None
    ) -> tuple[UsageProblem, ...]:
        """Settle the reservation that a new usage names, finally. Return why not, for its result.

        A usage whose reservation is unknown or closed counts all the same, and so does one whose
        user is not known. Raise UsageOutOfRange if the reservation is for another user, or from a
        later time.
        """
        named = usage.reservation
        if named is None:
            return ()
        if named.key is not None and self._closer.id is None:
            return (_unsettled(named, "The queue knows no keys: name reservation_id."),)
        known = _found(named, self._found, self._closer)
        if known is None:
            return (_unsettled(named, "You made no such reservation."),)
        if UUID(user_id) == NIL_UUID != known.user_id:
            return (_unsettled(named, "It is for a known user."),)
        if (problem := problem_of_settling(usage, known, user_id)) is not None:
            raise UsageOutOfRange([problem])
        if known.state != "held" or known.reservation_id in self._settled:
            state = "settled" if known.state == "held" else known.state
            return (_unsettled(named, f"It was {state} before."),)
        self._settled[known.reservation_id] = settlement_of(
            usage, known.reservation_id, known.granted_at, cost_picos, is_new=True
        )
        return ()


def amended_settles_nothing(usage: Usage) -> tuple[UsageProblem, ...]:
    """Return what the result of an amendment says of the reservation that it names."""
    if usage.reservation is None:
        return ()
    return (_unsettled(usage.reservation, "An amendment settles no reservation."),)


def problem_of_settling(usage: Usage, known: Granted, user_id: str) -> Problem | None:
    """Return why a usage may not settle a reservation of its closer; None if it may.

    The user of a reservation for nobody may be known by now.
    """
    if known.user_id not in (NIL_UUID, UUID(user_id)):
        return Problem("user", "Must be the user of the reservation.")
    if usage.occurred_at < known.granted_at - BEFORE_GRANT:
        earliest = rfc3339(known.granted_at - BEFORE_GRANT)
        return Problem("occurred_at", f"Must be from {earliest} on, five minutes before the grant.")
    return None


def _found(
    named: NamedReservation, found: Iterable[NamedByUsage], closer: Closer
) -> NamedByUsage | None:
    """Return the reservation that a usage names, if the closer may settle it."""
    digest = _digest(named, closer)
    return next(
        (
            each
            for each in found
            if (each.reservation_id == named.id or each.key_digest == digest)
            and (closer.closes_all or each.maker_id == closer.id)
        ),
        None,
    )


def _digest(named: NamedReservation, closer: Closer) -> UUID | None:
    if named.key is None or closer.id is None:
        return None
    return UUID(bytes=key_digest_of(closer.id, named.key))


def _unsettled(named: NamedReservation, detail: str) -> UsageProblem:
    field = "reservation_key" if named.id is None else "reservation_id"
    return UsageProblem(field=field, detail=f"{detail} The usage counts all the same.")


def settled_content(usage: Usage, *, final: bool, extend_seconds: int | None) -> bytes:
    """Return the SHA-256 of what a settlement says beside the key of its usage."""
    return sha256(usage.content_sha256 + f"{final} {extend_seconds}".encode()).digest()


def settlement_of(
    usage: Usage,
    reservation_id: UUID,
    granted: datetime,
    cost_picos: int | None,
    *,
    is_new: bool,
    final: bool = True,
    extend_seconds: int | None = None,
    validations: Iterable[UsageProblem] = (),
) -> Mapping[str, Any]:
    """Return one element of `p_settlements` of record_ai_usage (0031_settling.sql)."""
    return {
        "reservation_id": str(reservation_id),
        "granted_at": rfc3339(granted),
        "usage_key_digest": str(UUID(bytes=usage.key_digest)),
        "content_sha256": "\\x"
        + settled_content(usage, final=final, extend_seconds=extend_seconds).hex(),
        "source": usage.source,
        "source_id": usage.id,
        "cost_micros": None if cost_picos is None else str(Decimal(cost_picos) / PICOS_PER_MICRO),
        "occurred_at": rfc3339(usage.occurred_at),
        "is_new": is_new,
        "final": final,
        "extend_seconds": extend_seconds,
        "validations": [each.model_dump() for each in validations],
    }
