"""LiteLLM's generic log: record what calls used, and settle or release what was held for them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, override
from uuid import UUID

from allowance.access.handle import Handle
from allowance.access.store import CallerStore
from allowance.contract.fields import Body
from allowance.contract.validation import path_of
from allowance.database.queries import Call
from allowance.errors import Problem, ValidationFailed
from allowance.gateways.litellm.callers import SOURCE, is_key
from allowance.gateways.litellm.log_models import (
    LiteLLMLog,
    LiteLLMLogResult,
    LiteLLMLogResults,
    Payload,
    Unread,
    head_of,
)
from allowance.gateways.litellm.records import RESERVATION_KEY, record_of
from allowance.gateways.releasing import release
from allowance.gateways.sources import DoorTerms, call_of_terms
from allowance.log import logger
from allowance.metrics import count_lost_usage
from allowance.rbac.policy import USAGE, Action
from allowance.usage.models import (
    MAX_RECORDS,
    NOT_RECORDED,
    UsageAnswer,
)
from allowance.usage.recording import record
from allowance.usage.settling import Closer
from allowance.usage.store import count_unattributed

OF_RESERVATIONS = frozenset({"user", "occurred_at"})
"""The fields of a record that can contradict its reservation."""

MAX_LOGGED = 20
"""The most payloads of a request that one log line repeats."""


class LogStore(CallerStore):
    """Records what LiteLLM logs, for the gateway that the token belongs to."""

    route_object = USAGE

    @override
    @classmethod
    def look_ups(cls, body: Body | None, ids: Mapping[str, UUID]) -> tuple[Call[Any], ...]:
        return () if body is None else (call_of_terms(SOURCE),)

    def record(self, batch: LiteLLMLog) -> LiteLLMLogResults:
        """Record each payload that used something, and return the result of each, in order.

        LiteLLM sends a log again only after a 5xx, and reads no result. So what is not understood
        is a result too, and a line of our log has what is needed to record it by hand. Raise
        NotAuthorized, ValidationFailed if no payload is understood, and a DatabaseUnavailable,
        after which the same log may come again.
        """
        db = self._gate.open(Action.CREATE, USAGE)
        (found,) = db.all_in_one_trip(*self._looked_up(batch))
        terms: DoorTerms = next(iter(found), DoorTerms())
        read = {
            place: each for place, each in enumerate(batch.payloads) if isinstance(each, Payload)
        }
        used = {place: each for place, each in read.items() if each.has_used_something}
        users, unknown_fields = self._users(used, terms)
        answers = self._recorded(db, {at: record_of(used[at], users[at]) for at in used})
        released = self._released(db, (each for at, each in read.items() if at not in used))
        results = [
            _result(each, answers.get(place), released) for place, each in enumerate(batch.payloads)
        ]
        self._report(batch.payloads, results, unknown_fields)
        if batch.payloads and all(isinstance(each, Unread) for each in batch.payloads):
            raise ValidationFailed(
                Problem(path_of((place, each.field)), each.detail)
                for place, result in enumerate(results)
                for each in result.validations
            )
        return LiteLLMLogResults(results=results)

    def _users(
        self, used: Mapping[int, Payload], terms: DoorTerms
    ) -> tuple[dict[int, str], Sequence[str]]:
        """Return the name of the user of each payload, and the unknown fields of the settings."""
        named = {
            place: each.metadata.named(terms.identity, each.metadata.requester_custom_headers or {})
            for place, each in used.items()
        }
        unknown = next((each.unknown_fields for each in named.values()), ())
        return {place: each.user for place, each in named.items()}, unknown

    def _recorded(
        self, db: Handle, records: Mapping[int, dict[str, Any]]
    ) -> dict[int, UsageAnswer]:
        """Return the results of records by their places. A record that contradicts the reservation
        of its call, whose id the caller may have chosen, is recorded without it.
        """
        results = self._record(db, records)
        again = {
            place: {
                name: value for name, value in records[place].items() if name != RESERVATION_KEY
            }
            for place, result in results.items()
            if result.status == "rejected"
            and RESERVATION_KEY in records[place]
            and {each.field for each in result.validations} <= OF_RESERVATIONS
        }
        return results | self._record(db, again)

    def _record(self, db: Handle, records: Mapping[int, dict[str, Any]]) -> dict[int, UsageAnswer]:
        closer = Closer(self._caller.user_id, closes_all=False)
        places = list(records)
        results: dict[int, UsageAnswer] = {}
        for start in range(0, len(places), MAX_RECORDS):
            part = places[start : start + MAX_RECORDS]
            found = record(db, [records[each] for each in part], datetime.now(UTC), closer)
            results |= dict(zip(part, found, strict=True))
        count_unattributed(list(results.values()), self._origin)
        return results

    def _released(self, db: Handle, failed: Iterable[Payload]) -> set[str]:
        """Release what is held for calls that used nothing, and return their ids.

        Only for calls that reached a deployment: a caller could send the id of a running call
        again, and have it refused before.
        """
        calls = {
            call_id
            for each in failed
            if each.reached_a_deployment and is_key(call_id := each.litellm_call_id) and call_id
        }
        return release(db, self._caller.user_id, calls)

    def _report(
        self,
        payloads: Sequence[Payload | Unread],
        results: Sequence[LiteLLMLogResult],
        unknown_fields: Sequence[str],
    ) -> None:
        """Log what is not recorded, without prompts, and unknown fields of the settings."""
        if unknown_fields:
            logger().warning(
                "identity not understood", request_id=self._origin.request_id, fields=unknown_fields
            )
        lost = [
            {"head": _head(payload), "problems": [each.model_dump() for each in result.validations]}
            for payload, result in zip(payloads, results, strict=True)
            if result.status in NOT_RECORDED
        ]
        if lost:
            count_lost_usage(len(lost))
            logger().warning(
                "usage not recorded",
                request_id=self._origin.request_id,
                payloads=len(lost),
                first=lost[:MAX_LOGGED],
            )


def _head(payload: Payload | Unread) -> dict[str, Any]:
    if isinstance(payload, Unread):
        return payload.head
    return head_of(payload.model_dump(by_alias=True))


def _result(
    payload: Payload | Unread, answer: UsageAnswer | None, released: set[str]
) -> LiteLLMLogResult:
    if isinstance(payload, Unread):
        return LiteLLMLogResult(id=None, status="rejected", validations=payload.problems)
    if answer is None:
        is_released = payload.litellm_call_id in released
        status = "released" if is_released else "nothing_used"
        return LiteLLMLogResult(id=payload.id, status=status, validations=[])
    return LiteLLMLogResult(id=payload.id, status=answer.status, validations=answer.validations)
