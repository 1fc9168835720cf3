"""The store of a door that records usage: whom a message may name, and what is recorded of it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import batched
from typing import Any, ClassVar, NamedTuple, override
from uuid import UUID

from pydantic import ValidationError

from allowance.access.handle import Handle
from allowance.access.store import CallerStore
from allowance.contract.fields import Body, Row, Timestamp
from allowance.contract.validation import problems_of
from allowance.database.arrays import uuids
from allowance.database.queries import Call, call
from allowance.errors import Problem, ValidationFailed
from allowance.gateways.parsed import RESERVATION_KEY, Parsed, Refused, Sender
from allowance.gateways.sources import DoorTerms, call_of_terms
from allowance.log import logger
from allowance.metrics import count_lost_usage
from allowance.rbac.policy import USAGE, Action
from allowance.reservations.models import DecisionOnly, Reservation, ReservationRequest
from allowance.reservations.store import ReservingStore
from allowance.usage.models import MAX_RECORDS, NOT_RECORDED, UsageAnswer, UsageBatch, UsageProblem
from allowance.usage.records import key_digest_of
from allowance.usage.store import UsageStore

OF_RESERVATIONS = frozenset({"user", "occurred_at"})
"""The fields of a record that can contradict its reservation."""

ROUNDED = timedelta(seconds=1)
"""How much the times of one call may differ between a log and a database of its sender."""

MAX_LOGGED = 20


class OtherId(NamedTuple):
    """An id that no other call has, and the time of the call, for one that shares its first id."""

    id: str
    since: datetime
    until: datetime

    def spans(self, moment: datetime | None) -> bool:
        """Return whether a usage occurred within the time of the call."""
        return moment is not None and self.since - ROUNDED <= moment <= self.until + ROUNDED


class MadeCall(NamedTuple):
    """A call to record. `settles`: its reservation is not known to be for another model."""

    record: dict[str, Any]
    settles: bool = True
    other: OtherId | None = None

    def versions(self, name: str) -> list[dict[str, Any]]:
        """Return the records that it may have become by this id, the one to try first in front.

        Both are tried of a call that settles nothing too: it was recorded with the key if nothing
        was held by it then.
        """
        keyed = self.record | {"id": name}
        if RESERVATION_KEY not in keyed:
            return [keyed]
        plain = {field: value for field, value in keyed.items() if field != RESERVATION_KEY}
        return [keyed, plain] if self.settles else [plain, keyed]


class UsageTime(Row):
    """When a recorded usage occurred."""

    key_digest: bytes
    occurred_at: Timestamp


class DoorStore(CallerStore):
    """What the doors of all senders share, for the gateway that the token belongs to."""

    route_object = USAGE

    source: ClassVar[str]
    """The source of the sender's usage, whose settings apply."""

    names: ClassVar[Mapping[str, str]] = {}
    """The sender's names of the fields of a record, for what the ledger says of them."""

    @override
    @classmethod
    def look_ups(cls, body: Body | None, ids: Mapping[str, UUID]) -> tuple[Call[Any], ...]:
        """Return the query for the settings of the source."""
        return () if body is None else (call_of_terms(cls.source),)

    def _sender(self, db: Handle, body: Body | None) -> Sender:
        """Return the source with its settings. No round trip if they came with the caller."""
        (found,) = db.all_in_one_trip(*(self._looked_up(body) or (call_of_terms(self.source),)))
        terms: DoorTerms = next(iter(found), DoorTerms())
        return Sender(self.source, tuple(terms.identity), terms.estimate_micros)

    def _record(self, parsed: Parsed, unfit: Collection[str] = ()) -> list[UsageAnswer]:
        """Record the usages of a message. Return their results, in order.

        The usages at the places `unfit` settle nothing. Add to `parsed.refused` what the ledger
        does not take, by its place in the message, and log the names of all that is not recorded.
        """
        results = self._recorded(
            [
                MadeCall(record, settles=place not in unfit)
                for place, record in zip(parsed.places, parsed.records, strict=True)
            ]
        )
        for place, result in zip(parsed.places, results, strict=True):
            if result.status in NOT_RECORDED:
                parsed.refuse(
                    place, (Problem(each.field, each.detail) for each in result.validations)
                )
        if parsed.refused:
            count_lost_usage(len(parsed.lost))
            logger().warning(
                "usage not recorded",
                request_id=self._origin.request_id,
                source=self.source,
                recorded=sum(each.status not in NOT_RECORDED for each in results),
                problems=[str(each) for each in parsed.refused[:MAX_LOGGED]],
            )
        return results

    def _name_of(self, field: str) -> str:
        """Return the sender's name of a field of a record. Its usage object has its own fields."""
        first, _, rest = field.partition(".")
        name = self.names.get(first, first)
        return f"{name}.{rest}" if rest and (first == "usage" or first not in self.names) else name

    def _named(self, result: UsageAnswer) -> UsageAnswer:
        """Return a result that names the sender's fields."""
        if not result.validations:
            return result
        renamed = [
            UsageProblem(field=self._name_of(each.field), detail=each.detail)
            for each in result.validations
        ]
        return replace(result, validations=renamed)

    def _recorded(self, calls: Sequence[MadeCall]) -> list[UsageAnswer]:
        """Record calls, and return their results, in order. A call that is sent again changes
        nothing, whichever of its versions was recorded before.

        One that contradicts the reservation of its id, which its caller may have chosen, is
        recorded without it. One whose id has other content is the same call if that occurred
        within its time: an import of the sender's database recorded it. Else it is recorded by its
        other id.
        """
        results = self._first_taken([each.versions(each.record["id"]) for each in calls])
        taken = {
            place: each
            for place, (each, result) in enumerate(zip(calls, results, strict=True))
            if result.status == "conflict" and each.other is not None
        }
        times = self._times_of(each.record for each in taken.values())
        apart: dict[int, list[dict[str, Any]]] = {}
        for place, each in taken.items():
            if each.other is None:
                continue
            if each.other.spans(times.get(_digest_of(each.record))):
                results[place] = replace(results[place], status="duplicate", validations=[])
            else:
                apart[place] = each.versions(each.other.id)
        for place, answer in zip(apart, self._first_taken([*apart.values()]), strict=True):
            results[place] = answer
        return [self._named(each) for each in results]

    def _first_taken(self, versions: Sequence[Sequence[dict[str, Any]]]) -> list[UsageAnswer]:
        """Return the result of the first version of each call that the ledger takes, or knows."""
        results: dict[int, UsageAnswer] = {}
        for number in range(max(map(len, versions), default=0)):
            tried = {
                place: each[number]
                for place, each in enumerate(versions)
                if number < len(each) and (number == 0 or _may_differ(results[place]))
            }
            results.update(zip(tried, self._results([*tried.values()]), strict=True))
        return [results[place] for place in range(len(versions))]

    def _times_of(self, records: Iterable[dict[str, Any]]) -> dict[bytes, datetime]:
        """Return when recorded usages occurred, by the digests of their keys. No round trip
        without records.
        """
        digests = {_digest_of(each) for each in records}
        if not digests:
            return {}
        found = self._gate.open(Action.CREATE, USAGE).rows_of(
            call(UsageTime, "find_usage_times", key_digests=uuids(digests))
        )
        return {each.key_digest: each.occurred_at for each in found}

    def _results(self, records: list[dict[str, Any]]) -> list[UsageAnswer]:
        store = UsageStore(self._gate, self._origin, self._caller)
        return [
            result
            for some in batched(records, MAX_RECORDS, strict=False)
            for result in store.record(UsageBatch(records=list(some))).results
        ]

    def _reserve(
        self, question: dict[str, Any], *, once: bool = False
    ) -> Reservation | DecisionOnly:
        """Return the decision on a call. Raise ValidationFailed, ReservationConflict, and a
        RequestRefused.
        """
        try:
            request = ReservationRequest.model_validate(question)
        except ValidationError as error:
            raise ValidationFailed(problems_of(error)) from error
        return ReservingStore(self._gate, self._origin, self._caller).reserve(request, once=once)


def _may_differ(result: UsageAnswer) -> bool:
    """Return whether another version of a record may have another result than this one."""
    fields = {each.field for each in result.validations}
    return result.status == "conflict" or (
        result.status == "rejected" and fields <= OF_RESERVATIONS
    )


def _digest_of(record: Mapping[str, Any]) -> bytes:
    return key_digest_of(record["source"], record["id"])


def refusal(error: Refused) -> ValidationFailed:
    """Return the error that a sender gets for a message that is not understood."""
    return ValidationFailed(error.problems)
