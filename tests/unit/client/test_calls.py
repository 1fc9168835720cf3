"""What happens to a reservation when the block of its call ends."""

import asyncio

import pytest

from allowance_client.calls import Call, UsageNotStated
from allowance_client.routes import settle, settling_record, unchecked
from allowance_client.terms import reservation_body

REQUEST = reservation_body(
    {"user": "maya", "provider": "p", "model": "m", "estimate": {"cost_micros": 1}, "id": "k"}, "s"
)


def call() -> Call:
    return Call(REQUEST, "2026-11-28T00:00:00+00:00", unchecked=False)


def test_the_last_statement_of_usage_counts_also_if_the_block_fails() -> None:
    made = call()
    made.used(tokens={"input": 1})
    made.used(tokens={"input": 2})
    for kind in (None, RuntimeError, asyncio.CancelledError):
        assert made.ending(kind) == ("settle", {"tokens": {"input": 2}})


def test_an_error_before_any_usage_releases() -> None:
    assert call().ending(RuntimeError) == ("release", None)


def test_a_cancelled_call_keeps_its_hold_until_it_expires() -> None:
    for kind in (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt):
        assert call().ending(kind) == ("keep", None)


def test_a_call_without_usage_is_not_free() -> None:
    with pytest.raises(UsageNotStated):
        call().ending(None)
    with pytest.raises(ValueError, match="State what the call used"):
        call().used(model="other")


def test_a_call_that_was_not_made_says_so() -> None:
    made = call()
    made.cancel()
    assert made.ending(None) == ("release", None)


def test_a_call_has_the_same_record_whenever_it_is_settled() -> None:
    reservation = unchecked(REQUEST)
    first, second = (settle(reservation, {"tokens": {"input": 1}}).body for _ in range(2))
    assert first == second
    assert first["records"] == [
        {
            "source": "s",
            "id": "k",
            "user": "maya",
            "provider": "p",
            "model": "m",
            "tokens": {"input": 1},
            "occurred_at": reservation.asked_at,
            "reservation_key": "k",
        }
    ]
    assert [settling_record(reservation, {"tokens": {"input": 1}})] == first["records"]


def test_a_part_has_an_id_of_its_own() -> None:
    with pytest.raises(ValueError, match="id of its own"):
        settle(unchecked(REQUEST), {"tokens": {}}, final=False)
    body = settle(unchecked(REQUEST), {"tokens": {}, "id": "1"}, final=False).body
    assert "reservation_key" not in body["records"][0]
