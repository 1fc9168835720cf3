"""SeedPrices and prices with a date: scheduled, taken back, put off, and past ones."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.postgres import Database
from tests.price_books import TOMORROW, at, counts, input_prices_at, price, seed


def test_a_dated_price_comes_into_effect_by_itself(empty_database: Database) -> None:
    book = [price(input_price=10), price(input_price=20, effective_from=at(TOMORROW))]
    assert seed(*book) == counts(inserted=2)
    assert seed(*book) == counts(unchanged=2)
    assert [
        input_prices_at(empty_database, moment)["m"]
        for moment in (TOMORROW - timedelta(microseconds=1), TOMORROW)
    ] == [10, 20]


def test_a_date_that_has_come_is_the_present_price(empty_database: Database) -> None:
    yesterday, today = TOMORROW - timedelta(days=2), TOMORROW - timedelta(days=1, hours=1)
    seed(price(input_price=10), price(input_price=20, effective_from=at(yesterday)))
    assert [
        input_prices_at(empty_database, moment)["m"] for moment in ("-infinity", yesterday, "now")
    ] == [10, 20, 20]
    assert seed(
        price(input_price=10), price(input_price=20, effective_from=at(yesterday))
    ) == counts(unchanged=2)
    assert seed(price(input_price=10), price(input_price=30, effective_from=at(today))) == counts(
        updated=1, unchanged=1
    )
    assert [
        input_prices_at(empty_database, moment)["m"] for moment in (yesterday, today, "now")
    ] == [20, 30, 30]


def test_a_scheduled_price_that_a_complete_book_takes_back_does_not_come(
    empty_database: Database,
) -> None:
    seed(price(input_price=10), price(input_price=20, effective_from=at(TOMORROW)), complete=True)
    assert seed(price(input_price=10)) == counts(unchanged=1), "another book says nothing of it"
    assert seed(price(input_price=10), complete=True) == counts(updated=1)
    assert input_prices_at(empty_database, TOMORROW)["m"] == 10
    assert seed(price(input_price=10), complete=True) == counts(unchanged=1)


@pytest.mark.parametrize("complete", [False, True])
def test_a_temporary_price_gives_way_to_the_earlier_one(
    empty_database: Database, complete: bool
) -> None:
    seed(price(input_price=1_000_000), complete=True)
    book = [price(input_price=500_000), price(input_price=1_000_000, effective_from=at(TOMORROW))]
    assert seed(*book, complete=complete) == counts(updated=2)
    assert [input_prices_at(empty_database, moment)["m"] for moment in ("now", TOMORROW)] == [
        500_000,
        1_000_000,
    ]
    assert seed(*book, complete=complete) == counts(unchanged=2)


def test_a_scheduled_price_may_be_put_off(empty_database: Database) -> None:
    next_week = TOMORROW + timedelta(days=7)
    seed(price(input_price=10), price(input_price=20, effective_from=at(TOMORROW)), complete=True)
    later = [price(input_price=10), price(input_price=20, effective_from=at(next_week))]
    seed(*later, complete=True)
    assert [input_prices_at(empty_database, moment)["m"] for moment in (TOMORROW, next_week)] == [
        10,
        20,
    ]
    assert seed(*later, complete=True) == counts(unchanged=2)


def test_a_history_that_returns_to_the_present_price_ends_with_it(empty_database: Database) -> None:
    long_ago, lately = TOMORROW - timedelta(days=200), TOMORROW - timedelta(days=100)
    seed(price(input_price=1_000_000))
    book = [
        price(input_price=900_000),
        price(input_price=2_000_000, effective_from=at(long_ago)),
        price(input_price=1_000_000, effective_from=at(lately)),
    ]
    assert seed(*book, complete=True) == counts(updated=2, unchanged=1)
    assert [
        input_prices_at(empty_database, moment)["m"] for moment in (long_ago, lately, "now")
    ] == [2_000_000, 1_000_000, 1_000_000]
    assert seed(*book, complete=True) == counts(unchanged=3)


def test_a_history_whose_beginning_does_not_count_repeats_nothing(empty_database: Database) -> None:
    seed(price(input_price=10))
    lately = at(TOMORROW - timedelta(days=100))
    assert seed(price(input_price=9), price(input_price=10, effective_from=lately)) == counts(
        unchanged=2
    )


def test_a_new_model_comes_with_its_history_whatever_the_steps(empty_database: Database) -> None:
    long_ago, lately = TOMORROW - timedelta(days=200), TOMORROW - timedelta(days=100)
    book = [
        price(input_price=400_000),
        price(input_price=1_500_000, effective_from=at(long_ago)),
        price(input_price=15_000_000, effective_from=at(lately)),
        price(input_price=9_000_000, held={"reason": "another source has another price"}),
    ]
    assert seed(*book, complete=True) == counts(inserted=3, held=1)
    assert seed(*book, complete=True) == counts(unchanged=3, held=1)
    before = [lately - timedelta(microseconds=1), lately, "now"]
    assert [
        input_prices_at(empty_database, moment)["m"] for moment in ("-infinity", long_ago, *before)
    ] == [400_000, 1_500_000, 1_500_000, 15_000_000, 15_000_000]
    held = empty_database.rows(
        "SELECT before -> 'input_price', proposed -> 'input_price' FROM ai_model_price_changes_held"
    )
    assert held == [(15_000_000, 9_000_000)]


def pages(micros: int, start: datetime | None = None) -> dict[str, Any]:
    dated = {} if start is None else {"effective_from": at(start)}
    return price(input_price=1, unit_prices={"pages": micros}, **dated)


def recorded_pages(database: Database) -> list[int]:
    rows = database.rows("SELECT unit_prices -> 'pages' FROM ai_model_price_versions ORDER BY id")
    return [micros for (micros,) in rows]


def test_the_price_of_a_unit_has_a_history_and_is_taken_back(empty_database: Database) -> None:
    known = [pages(10**9), pages(4 * 10**9, TOMORROW - timedelta(days=100))]
    soon = pages(5 * 10**9, TOMORROW)
    assert seed(*known, soon, complete=True) == counts(inserted=3)
    assert seed(*known, soon, complete=True) == counts(unchanged=3)
    assert seed(*known, complete=True) == counts(updated=1, unchanged=1)
    assert recorded_pages(empty_database) == [10**9, 4 * 10**9, 5 * 10**9, 4 * 10**9]


def test_a_temporary_price_of_a_unit_gives_way_and_repeats_nothing(
    empty_database: Database,
) -> None:
    seed(pages(2 * 10**9), complete=True)
    assert seed(pages(10**9), pages(2 * 10**9, TOMORROW), complete=True) == counts(updated=2)
    # What was scheduled is what this book has for that time.
    assert seed(pages(2 * 10**9), complete=True) == counts(updated=1)
    assert recorded_pages(empty_database) == [2 * 10**9, 10**9, 2 * 10**9, 2 * 10**9]
