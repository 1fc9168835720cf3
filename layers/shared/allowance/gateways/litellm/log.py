"""LiteLLM's generic log: record what calls used, and settle or release what was held for them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from allowance.contract.validation import path_of
from allowance.errors import Problem, ValidationFailed
from allowance.gateways.litellm.callers import SOURCE
from allowance.gateways.litellm.log_models import (
    LiteLLMLog,
    LiteLLMLogResult,
    LiteLLMLogResults,
    Payload,
    Unread,
    head_of,
)
from allowance.gateways.litellm.records import NAMES, key_of, models_of, other_id_of, record_of
from allowance.gateways.parsed import Failed, Sender
from allowance.gateways.recording import MAX_LOGGED, DoorStore, MadeCall, OtherId
from allowance.gateways.releasing import Holds
from allowance.log import logger
from allowance.metrics import count_lost_usage
from allowance.rbac.policy import USAGE, Action
from allowance.usage.models import (
    NOT_RECORDED,
    UsageAnswer,
)


class LogStore(DoorStore):
    """Records what LiteLLM logs, for the gateway that the token belongs to."""

    source = SOURCE
    names = NAMES

    def record(self, batch: LiteLLMLog) -> LiteLLMLogResults:
        """Record each payload that used something, and return the result of each, in order.

        LiteLLM sends a log again only after a 5xx, and reads no result. So what is not understood
        is a result too, and a line of our log has what is needed to record it by hand. Raise
        NotAuthorized, ValidationFailed if no payload is understood, and a DatabaseUnavailable,
        after which the same log may come again.
        """
        db = self._gate.open(Action.CREATE, USAGE)
        sender = self._sender(db, batch)
        read = {
            place: each for place, each in enumerate(batch.payloads) if isinstance(each, Payload)
        }
        used = {place: each for place, each in read.items() if each.has_used_something}
        users, unknown_fields = self._users(read, sender)
        failed = {
            place: Failed(key, users[place], models_of(each))
            for place, each in read.items()
            if place not in used and each.reached_a_deployment and (key := key_of(each))
        }
        keys = {key for each in used.values() if (key := key_of(each))}
        keys |= {each.key for each in failed.values()}
        holds = Holds.found(db, self._caller.user_id, keys, failed.values())
        made = [_made(each, users[place], holds) for place, each in used.items()]
        answers = dict(zip(used, self._recorded(made), strict=True))
        released = holds.release(db, failed.values())
        ended = {place for place, each in failed.items() if each.key in released}
        results = [
            _result(each, answers.get(place), place in ended)
            for place, each in enumerate(batch.payloads)
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
        self, read: Mapping[int, Payload], sender: Sender
    ) -> tuple[dict[int, str], Sequence[str]]:
        """Return the name of the user of each payload, and the unknown fields of the settings."""
        named = {
            place: each.metadata.named(
                sender.identity, each.metadata.requester_custom_headers or {}
            )
            for place, each in read.items()
        }
        unknown = next((each.unknown_fields for each in named.values()), ())
        return {place: each.user for place, each in named.items()}, unknown

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


def _made(payload: Payload, user: str, holds: Holds) -> MadeCall:
    """Return a call to record. Its id is the vendor's, which other calls may have too."""
    record, key, other_id = record_of(payload, user), key_of(payload), other_id_of(payload)
    times = (datetime.fromtimestamp(each, UTC) for each in (payload.started, payload.ended))
    return MadeCall(
        record,
        settles=key is None or not holds.is_of_another_model(key, models_of(payload)),
        other=None if record["id"] == other_id else OtherId(other_id, *times),
    )


def _head(payload: Payload | Unread) -> dict[str, Any]:
    if isinstance(payload, Unread):
        return payload.head
    return head_of(payload.model_dump(by_alias=True))


def _result(
    payload: Payload | Unread, answer: UsageAnswer | None, is_released: bool
) -> LiteLLMLogResult:
    if isinstance(payload, Unread):
        return LiteLLMLogResult(id=None, status="rejected", validations=payload.problems)
    if answer is None:
        status = "released" if is_released else "nothing_used"
        return LiteLLMLogResult(id=payload.id, status=status, validations=[])
    return LiteLLMLogResult(id=payload.id, status=answer.status, validations=answer.validations)
