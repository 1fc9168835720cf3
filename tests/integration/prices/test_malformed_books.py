"""SeedPrices refuses a malformed book whole and names each problem."""

from typing import Any

import pytest

import seed_prices
from allowance.errors import ValidationFailed
from tests.gateway import Context
from tests.postgres import Database
from tests.price_books import counts, price, rows, seed


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (price(input_price=-1), "prices[1].input_price: must not be negative"),
        (price(input_price=1.5), "prices[1].input_price: must be a whole number"),
        (price(input_price="1"), "prices[1].input_price: must be a whole number"),
        (price(input_price=True), "prices[1].input_price: must be a whole number"),
        (price(input_price=1e300), "prices[1].input_price: must be a whole number"),
        (price(input_price=10**30), "prices[1].input_price: must not exceed 1000000000000"),
        (price(input_cost=1), "prices[1].input_cost: unknown field"),
        (price(), "prices[1]: at least one price must be set (0 declares a model free)"),
        ({"provider": "p", "input_price": 1}, "prices[1].model: required"),
        ({"model": "m", "input_price": 1}, "prices[1].provider: required"),
        (price("", input_price=1), "prices[1].model: must not be empty"),
        (
            price("a\x00b", input_price=1),
            "prices[1].model: must have no control characters, nor spaces around it",
        ),
        (price("\ud800", input_price=1), "prices[1].model: "),
        (price("x" * 256, input_price=1), "prices[1].model: must have at most 255 characters"),
        (price("good", input_price=1), "prices[1].model: p good is priced at prices[0] already"),
        ("text", "prices[1]: must be an object"),
    ],
)
def test_a_malformed_book_changes_nothing_and_says_which_entry_is_wrong(
    empty_database: Database, bad: Any, problem: str
) -> None:
    with pytest.raises(ValidationFailed) as caught:
        seed(price("good", input_price=1), bad)
    assert problem in str(caught.value).splitlines()[0]
    assert rows(empty_database) == []


def test_every_problem_is_a_line_of_its_own(empty_database: Database) -> None:
    with pytest.raises(ValidationFailed) as caught:
        seed(price(input_price=-1, output_price=-2), {}, sourse="x")
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == [
        "prices[0].input_price", "prices[0].output_price", "prices[1].provider", "prices[1].model",
        "sourse",
    ]  # fmt: skip


@pytest.mark.parametrize("prices", [None, {}, "x", 3])
def test_prices_that_are_no_list_are_refused(empty_database: Database, prices: Any) -> None:
    with pytest.raises(ValidationFailed, match="prices: must be a list"):
        seed_prices.handler({"prices": prices}, Context())


def test_names_are_data_whatever_they_look_like(empty_database: Database) -> None:
    name = "'; DROP TABLE users; -- %s %(x)s \\"
    assert seed(price(name, input_price=1)) == counts(inserted=1)
    assert rows(empty_database)[0][1] == name


@pytest.mark.parametrize("more", [{}, {"complete": True}, {"format": "allowance"}])
def test_an_empty_book_is_refused(empty_database: Database, more: dict[str, Any]) -> None:
    """It says nothing, or withdraws all if it is complete."""
    seed(price(input_price=10), complete=True)
    with pytest.raises(ValidationFailed, match="prices: must not be empty"):
        seed(**more)
    assert seed(price(input_price=10), complete=True) == counts(unchanged=1)


@pytest.mark.parametrize("event", [[], [{"provider": "p"}], None, "x", 3])
def test_an_event_that_is_no_object_seeds_nothing(empty_database: Database, event: Any) -> None:
    with pytest.raises(ValidationFailed, match="must be an object"):
        seed_prices.handler(event, Context())
    assert rows(empty_database) == []


def test_an_unknown_field_of_an_event_names_the_known_ones(empty_database: Database) -> None:
    with pytest.raises(ValidationFailed) as caught:
        seed_prices.handler({"zzz": 1}, Context())
    known = "prices, source, version, date, roundings, complete, format"
    assert f"zzz: unknown field. Known fields: {known}" in str(caught.value)
