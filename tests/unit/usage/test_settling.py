"""Which reservation a usage settles, and what its result says if it settles none."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from allowance.errors import UsageOutOfRange
from allowance.usage.records import usage_of
from allowance.usage.reservation_ids import key_digest_of
from allowance.usage.settling import Closer, NamedByUsage, Settling, call_of_reservations

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
MAKER, OTHER, MAYA = UUID(int=1), UUID(int=2), UUID(int=3)
ID = UUID("01a21e67-9969-7e5d-85b4-9b817875d7de")
BY_ID = {"reservation_id": str(ID)}
BY_KEY = {"reservation_key": "call-1"}
CALLER, OWNER, QUEUE = Closer(MAKER, False), Closer(OTHER, True), Closer(None, True)


def used(**changes: Any) -> Any:
    record = {
        "source": "litellm",
        "id": "call-1",
        "user": "maya",
        "provider": "p",
        "model": "m",
        "occurred_at": NOW.isoformat(),
        "tokens": {"input": 1},
    }
    return usage_of(record | changes)


def found(**changes: Any) -> NamedByUsage:
    granted = {
        "reservation_id": ID,
        "key_digest": UUID(bytes=key_digest_of(MAKER, "call-1")),
        "maker_id": MAKER,
        "user_id": MAYA,
        "state": "held",
        "granted_at": NOW,
    }
    return NamedByUsage.model_validate(granted | changes)


def said(settling: Settling, **named: Any) -> list[tuple[str, str]]:
    return [
        (each.field, each.detail.removesuffix(" The usage counts all the same."))
        for each in settling.settle(used(**named), str(MAYA), 7)
    ]


@pytest.mark.parametrize(
    ("named", "closer", "problem"),
    [
        ({}, CALLER, None),
        (BY_ID, CALLER, None),
        (BY_KEY, CALLER, None),
        (BY_ID, OWNER, None),
        (BY_ID, QUEUE, None),
        (BY_ID, Closer(OTHER, False), ("reservation_id", "You made no such reservation.")),
        # A key is of the caller who made it, for an owner too.
        (BY_KEY, OWNER, ("reservation_key", "You made no such reservation.")),
        (BY_KEY, QUEUE, ("reservation_key", "The queue knows no keys: name reservation_id.")),
        (
            {"reservation_id": str(UUID(int=7))},
            CALLER,
            ("reservation_id", "You made no such reservation."),
        ),
    ],
)
def test_a_usage_settles_what_its_sender_may_settle(
    named: dict[str, str], closer: Closer, problem: tuple[str, str] | None
) -> None:
    settling = Settling([found()], closer)
    assert said(settling, **named) == ([] if problem is None else [problem])
    settles = named and problem is None
    assert [each["reservation_id"] for each in settling.settlements] == [str(ID)] * bool(settles)
    for each in settling.settlements:
        assert each["final"] is each["is_new"] is True


def test_a_reservation_is_settled_once_in_a_batch() -> None:
    settling = Settling([found()], CALLER)
    assert said(settling, **BY_ID) == []
    assert said(settling, **BY_KEY) == [("reservation_key", "It was settled before.")]
    assert len(settling.settlements) == 1
    released = Settling([found(state="released")], CALLER)
    assert said(released, **BY_ID) == [("reservation_id", "It was released before.")]
    assert released.settlements == []


@pytest.mark.parametrize("state", ["held", "settled"])
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"user_id": OTHER}, "user"),
        ({"granted_at": NOW + timedelta(minutes=5, microseconds=1)}, "occurred_at"),
    ],
)
def test_another_user_or_an_earlier_time_is_refused_by_field(
    changes: dict[str, Any], field: str, state: str
) -> None:
    settling = Settling([found(state=state, **changes)], CALLER)
    with pytest.raises(UsageOutOfRange) as refused:
        settling.settle(used(**BY_ID), str(MAYA), 7)
    assert [each.field for each in refused.value.problems] == [field]
    assert settling.settlements == []


def test_five_minutes_before_the_grant_are_taken() -> None:
    settling = Settling([found(granted_at=NOW + timedelta(minutes=5))], CALLER)
    assert said(settling, **BY_ID) == []


def test_only_what_can_be_a_reservation_is_looked_for() -> None:
    assert call_of_reservations([used()], CALLER) == []
    named = [used(**BY_ID), used(**BY_KEY), used(reservation_id=str(UUID(int=7)))]
    (call,) = call_of_reservations(named, CALLER)
    assert call.parameters["reservation_ids"] == [ID]
    assert call.parameters["reservation_keys"] == [UUID(bytes=key_digest_of(MAKER, "call-1"))]
    (of_queue,) = call_of_reservations(named, QUEUE)
    assert of_queue.parameters["reservation_keys"] == []


def test_a_record_names_one_reservation_and_that_is_content() -> None:
    with pytest.raises(UsageOutOfRange) as refused:
        used(**BY_ID, **BY_KEY)
    (problem,) = refused.value.problems
    assert "reservation_id or reservation_key, not both" in problem.detail
    for field, value in (("reservation_id", "no-uuid"), ("reservation_key", "x" * 513)):
        with pytest.raises(UsageOutOfRange) as refused:
            used(**{field: value})
        assert [each.field for each in refused.value.problems] == [field]
    contents = [used(**named).content_sha256 for named in ({}, BY_ID, BY_KEY)]
    assert len(set(contents)) == 3
    upper = used(reservation_id=str(ID).upper())
    assert upper.content_sha256 == contents[1]
