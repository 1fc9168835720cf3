"""Settle and release reservations, for their maker or an owner.

A settlement is one transaction: the first statement takes the cost off what is held, the next
record the usage. Each usage counts once, by its source and id, however often it is sent.
"""

from collections.abc import Mapping, Sequence
from typing import Any, override
from uuid import UUID

from allowance.access.handle import Handle
from allowance.access.store import CallerStore
from allowance.contract.fields import Body, Row
from allowance.database.queries import Call, call
from allowance.errors import (
    Problem,
    ReservationChanged,
    ReservationClosed,
    ReservationConflict,
    ReservationNotFound,
    UsageKeyTaken,
    UsageMonthDropped,
    UsageOutOfRange,
    ValidationFailed,
)
from allowance.rbac.policy import USAGE, Action
from allowance.reservations.facts import SettlementFacts
from allowance.reservations.models import Settled, Settlement
from allowance.usage.ledger import call_of_entries
from allowance.usage.look_ups import RecordedKey, call_of_months
from allowance.usage.recording import ATTEMPTS, Batch
from allowance.usage.records import Usage, require_time
from allowance.usage.reservation_ids import granted_at
from allowance.usage.revisions import NO_USER
from allowance.usage.settling import (
    Granted,
    KeptState,
    problem_of_settling,
    settled_content,
    settlement_of,
)
from allowance.usage.unknown import BookedFor, Sent, rules_of


class FoundReservation(Granted):
    """A reservation, and its settlement by a usage of this key, if there is one."""

    settled_content_sha256: bytes | None
    facts: SettlementFacts | None


class Released(Row):
    """The state of a reservation after its release; None if there is none."""

    state: KeptState | None


class ClosingStore(CallerStore):
    """Settles and releases the reservations that the caller made; an owner, those of everybody."""

    route_object = USAGE

    @override
    @classmethod
    def look_ups(cls, body: Body | None, ids: Mapping[str, UUID]) -> tuple[Call[Any], ...]:
        """Return the queries for the reservation, and for what recording its usage needs."""
        if "reservation" not in ids:
            return ()
        usage = _usage(body) if isinstance(body, Settlement) else None
        found = call(
            FoundReservation,
            "find_reservation",
            reservation_id=ids["reservation"],
            granted_at=granted_at(ids["reservation"]),
            usage_key_digest=usage and UUID(bytes=usage.key_digest),
        )
        return (found, *(Batch({0: usage}).look_ups if usage is not None else ()))

    def settle(self, reservation: UUID, settlement: Settlement) -> Settled:
        """Record what a call used, and take its cost off what is held for it.

        Two round trips, with the caller's; two more each time another call changes the
        same reservation, usage or month. The same settlement gets the same response again. Raise
        NotAuthorized, ReservationNotFound, ReservationClosed, ReservationConflict,
        ValidationFailed, and after ATTEMPTS a DatabaseUnavailable.
        """
        db = self._gate.open(Action.CREATE, USAGE)
        calls = self._looked_up(settlement, reservation=reservation)
        usage = settlement.as_usage
        require_time(usage, self._caller.now)
        attempts = 0
        while True:
            found, *rows = db.all_in_one_trip(*calls)
            known = self._own(found)
            try:
                return _settled_before(known, usage, settlement) or self._settle(
                    db, reservation, known, usage, settlement, rows
                )
            except (ReservationChanged, UsageKeyTaken, UsageMonthDropped):
                attempts += 1
                if attempts == ATTEMPTS:
                    raise

    def release(self, reservation: UUID) -> None:
        """Release what a reservation still holds. Nothing happens to one that is released already.

        Raise NotAuthorized, ReservationNotFound, and ReservationClosed after a final settlement.
        """
        db = self._gate.open(Action.CREATE, USAGE)
        known = self._own(db.all_in_one_trip(*self._looked_up(reservation=reservation))[0])
        released = db.one(
            Released,
            "release_ai_reservation",
            reservation_id=reservation,
            granted_at=known.granted_at,
        )
        if released.state is None:
            raise ReservationNotFound
        if released.state == "settled":
            raise ReservationClosed(detail="It was settled.")

    def _own(self, found: Sequence[FoundReservation]) -> FoundReservation:
        """Return the reservation, for its maker or an owner."""
        if not found:
            raise ReservationNotFound
        (known,) = found
        if known.maker_id != self._caller.user_id:
            self._gate.check(Action.UPDATE, USAGE)
        return known

    def _settle(
        self,
        db: Handle,
        reservation: UUID,
        known: FoundReservation,
        usage: Usage,
        settlement: Settlement,
        rows: Sequence[Sequence[Any]],
    ) -> Settled:
        if known.state != "held":
            raise ReservationClosed(detail=f"It was {known.state}.")
        batch = Batch({0: usage})
        # The name may be of nobody by now: what was reserved by it can always be settled.
        sent = Sent(usage.source, usage.user, usage.group)
        reserved = BookedFor(usage.key_digest, sent, str(known.user_id))
        rules = rules_of(db, batch.unknown(rows)[0], [reserved])
        entries, results, users, *_ = batch.decide(rows, rules)
        result = results[0]
        if result.status == "rejected":
            raise ValidationFailed(Problem(each.field, each.detail) for each in result.validations)
        if result.status == "conflict":
            raise ReservationConflict(detail="The usage was recorded with other content.")
        found = [each.attribution.user_id for each in entries] or [each.user_id for each in users]
        recorded: list[RecordedKey] = rows[-1]  # type: ignore[assignment]
        # What was recorded for a user by a name of nobody was recorded by what was assigned.
        if recorded and recorded[0].attributed:
            found.append(str(known.user_id))
        user_id = next(iter(found), NO_USER)
        if (problem := problem_of_settling(usage, known, user_id)) is not None:
            raise ValidationFailed([problem])
        settled = settlement_of(
            usage,
            reservation,
            known.granted_at,
            entries[0].rated.cost_picos if entries else recorded[0].cost_picos,
            is_new=bool(entries),
            final=settlement.final,
            extend_seconds=settlement.extend_seconds,
            validations=result.validations,
        )
        months = [call_of_months([usage.occurred_at])] if entries else []
        *_, written = db.all_in_one_trip(
            *months, call_of_entries(entries, users, [settled], recorded_by=self._caller.user_id)
        )
        return SettlementFacts.model_validate(written[0].settled[0]).settled()


def _usage(settlement: Settlement) -> Usage | None:
    """Return the usage of a settlement, None if it is malformed: that is an error later."""
    try:
        return settlement.as_usage
    except UsageOutOfRange:
        return None


def _settled_before(
    known: FoundReservation, usage: Usage, settlement: Settlement
) -> Settled | None:
    """Return the response of the first time. None: this usage settled nothing yet."""
    if known.facts is None:
        return None
    content = settled_content(
        usage, final=settlement.final, extend_seconds=settlement.extend_seconds
    )
    if known.settled_content_sha256 != content:
        raise ReservationConflict(detail="The usage settled it with other content.")
    return known.facts.settled()
