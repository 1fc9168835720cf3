"""Dollars and times as people write them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowance_client.cli.amounts import dollars, micros_of
from allowance_client.cli.times import end_of, shown, time_of


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("25", 25_000_000),
        ("$25.00", 25_000_000),
        ("0.000001", 1),
        ("0", 0),
        ("1000000.5", 1_000_000_500_000),
        ("007.10", 7_100_000),
        (" 1.1 ", 1_100_000),
    ],
)
def test_an_amount_is_read_exactly(text: str, micros: int) -> None:
    assert micros_of(text) == micros


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1,000", "has a separator"),
        ("1,5", "has a separator"),
        ("1_000", "has a separator"),
        ("1'000", "has a separator"),
        ("1e3", "has an exponent"),
        ("$1.5E-3", "has an exponent"),
        ("-5", "is negative"),
        ("$-5", "is negative"),
        ("0.0000001", "has 7 decimal places"),
        ("1.0000000", "has 7 decimal places"),
        (".5", "is no amount"),
        ("5.", "is no amount"),
        ("1 000", "is no amount"),
        ("25 USD", "is no amount"),
        ("€25", "is no amount"),
        ("٢٥", "is no amount"),
        ("0x10", "is no amount"),
        ("nan", "is no amount"),
        ("", "is no amount"),
        ("1" * 16, "is no amount"),
    ],
)
def test_an_amount_of_two_readings_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        micros_of(text)


@given(st.integers(0, 10**21 - 1))
def test_an_amount_survives_being_printed(micros: int) -> None:
    assert micros_of(dollars(micros)) == micros


def test_an_amount_has_two_decimals_or_all_it_needs() -> None:
    assert [dollars(each) for each in (None, 0, 1, 25_000_000, 1_100_000, -1_234_500)] == [
        "",
        "$0.00",
        "$0.000001",
        "$25.00",
        "$1.10",
        "-$1.2345",
    ]


def test_a_date_is_its_midnight_and_days_count_from_now() -> None:
    now = datetime(2026, 11, 30, 12, 30, 15, tzinfo=UTC)
    assert time_of("2026-12-24") == "2026-12-24T00:00:00Z"
    assert time_of("2026-12-24T01:00:00+01:00") == "2026-12-24T01:00:00+01:00"
    assert time_of("tomorrow") == "tomorrow"
    assert end_of("90d", now) == "2027-02-28T12:30:15Z"
    assert end_of("2026-12-24", now) == "2026-12-24T00:00:00Z"
    assert shown("2026-12-24T00:00:00.000000Z") == "2026-12-24"
    assert shown("2026-12-24T01:02:03.456789Z") == "2026-12-24T01:02:03Z"
