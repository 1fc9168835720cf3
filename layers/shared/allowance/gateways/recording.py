"""The store of a door that records usage: whom a message may name, and what is recorded of it."""

from collections.abc import Mapping, Sequence
from itertools import batched
from typing import Any, ClassVar, override
from uuid import UUID

from pydantic import ValidationError

from allowance.access.handle import Handle
from allowance.access.store import CallerStore
from allowance.contract.fields import Body
from allowance.contract.validation import problems_of
from allowance.database.queries import Call
from allowance.errors import Problem, ValidationFailed
from allowance.gateways.parsed import RESERVATION_KEY, Parsed, Refused, Sender
from allowance.gateways.sources import DoorTerms, call_of_terms
from allowance.log import logger
from allowance.metrics import count_lost_usage
from allowance.rbac.policy import USAGE
from allowance.reservations.models import DecisionOnly, Reservation, ReservationRequest
from allowance.reservations.store import ReservingStore
from allowance.usage.models import MAX_RECORDS, NOT_RECORDED, UsageAnswer, UsageBatch
from allowance.usage.store import UsageStore

OF_RESERVATIONS = frozenset({"user", "occurred_at"})
"""The fields of a record that can contradict its reservation."""

MAX_LOGGED = 20


class DoorStore(CallerStore):
    """What the doors of all senders share, for the gateway that the token belongs to."""

    route_object = USAGE

    source: ClassVar[str]
    """The source of the sender's usage, whose settings apply."""

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

    def _record(self, parsed: Parsed) -> list[UsageAnswer]:
        """Record the usages of a message. Return their results, in order.

        Add to `parsed.refused` what the ledger does not take, by its place in the message, and log
        the names of all that is not recorded.
        """
        results = self._recorded(parsed.records)
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

    def _recorded(
        self, records: list[dict[str, Any]], other_ids: Sequence[str] = ()
    ) -> list[UsageAnswer]:
        """Record usages, and return their results, in order.

        A record that contradicts the reservation of its call, whose id the caller may have chosen,
        is recorded without it. One whose id has other content is recorded by its other id.
        """
        tried = list(records)
        results = self._results(tried)
        taken = {
            place: tried[place] | {"id": other_id}
            for place, (result, other_id) in enumerate(zip(results, other_ids, strict=False))
            if result.status == "conflict"
        }
        self._again(tried, results, taken)
        contradicting = {
            place: {name: value for name, value in record.items() if name != RESERVATION_KEY}
            for place, (record, result) in enumerate(zip(tried, results, strict=True))
            if result.status == "rejected"
            and RESERVATION_KEY in record
            and {each.field for each in result.validations} <= OF_RESERVATIONS
        }
        self._again(tried, results, contradicting)
        return results

    def _again(
        self,
        tried: list[dict[str, Any]],
        results: list[UsageAnswer],
        changed: Mapping[int, dict[str, Any]],
    ) -> None:
        """Record changed records in place of those that were tried."""
        answers = self._results(list(changed.values()))
        for (place, record), answer in zip(changed.items(), answers, strict=True):
            tried[place], results[place] = record, answer

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


def refusal(error: Refused) -> ValidationFailed:
    """Return the error that a sender gets for a message that is not understood."""
    return ValidationFailed(error.problems)
