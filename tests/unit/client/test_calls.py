"""What happens to a reservation when the block of its call ends."""

import asyncio
from typing import Any

import httpx
import pytest

from allowance_client import ApiError
from allowance_client.calls import Call, UsageNotStated
from allowance_client.clock import Clock
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
    for error in (None, RuntimeError(), asyncio.CancelledError()):
        assert made.ending(error) == ("settle", {"tokens": {"input": 2}})


class VendorError(Exception):
    """As the vendors' libraries raise it."""

    def __init__(self, status_code: int) -> None:
        super().__init__("no")
        self.status_code = status_code


def raised_from(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


REQUEST_SENT = httpx.Request("POST", "https://vendor.example.com")


@pytest.mark.parametrize(
    "error",
    [
        VendorError(429),
        raised_from(RuntimeError(), VendorError(500)),
        httpx.HTTPStatusError("no", request=REQUEST_SENT, response=httpx.Response(503)),
        httpx.ConnectError("no route"),
        raised_from(RuntimeError(), httpx.ConnectTimeout("late")),
        ConnectionRefusedError(),
        OSError(RuntimeError(ConnectionRefusedError())),
    ],
)
def test_an_error_with_which_nothing_is_billed_releases(error: BaseException) -> None:
    assert call().ending(error) == ("release", None)


def after_an_earlier_attempt() -> BaseException:
    error = TimeoutError()
    error.__context__ = ConnectionRefusedError()
    return error


@pytest.mark.parametrize(
    "error",
    [
        asyncio.CancelledError(),
        GeneratorExit(),
        KeyboardInterrupt(),
        TimeoutError(),
        after_an_earlier_attempt(),
        httpx.ReadTimeout("late"),
        httpx.RemoteProtocolError("cut off"),
        ConnectionResetError(),
        VendorError(408),
        VendorError(504),
        ApiError(400, "Of Allowance, in the block."),
        ValueError("The response is not as expected."),
    ],
)
def test_a_call_that_may_be_billed_keeps_its_hold(error: BaseException) -> None:
    assert call().ending(error) == ("keep", None)


def test_a_call_without_usage_is_not_free() -> None:
    with pytest.raises(UsageNotStated):
        call().ending(None)
    with pytest.raises(ValueError, match="State what the call used"):
        call().used(model="other")


@pytest.mark.parametrize(
    "wrong",
    [
        {"usage": {"prompt_tokens": 1}},
        {"usage_format": "openai", "tokens": {"input": 1}},
        {"usage": {}, "usage_format": "openai", "units": {"images": 1}},
        {"tokens": {"input": -1}},
        {"units": {"images": True}},
        {"tokens": {"input": 1.5}},
        {"tokens": {}, "cost_micros": 1, "cost_usd": "1"},
        {"tokens": {}, "token": {}},
    ],
)
def test_usage_that_would_be_rejected_is_refused_at_once(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"State|must be|has no"):
        call().used(**wrong)


def test_a_call_that_was_not_made_says_so() -> None:
    made = call()
    made.cancel()
    assert made.ending(None) == ("release", None)


def test_a_call_has_the_same_record_whenever_it_is_settled() -> None:
    reservation = unchecked(REQUEST, Clock())
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
        settle(unchecked(REQUEST, Clock()), {"tokens": {}}, final=False)
    body = settle(unchecked(REQUEST, Clock()), {"tokens": {}, "id": "1"}, final=False).body
    assert "reservation_key" not in body["records"][0]
