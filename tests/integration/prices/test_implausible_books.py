"""Books with first prices of models: no earlier price shows that they are wrong."""

from typing import Any

import pytest

import seed_prices
from tests.gateway import Context
from tests.postgres import Database
from tests.price_books import counts, many, price, rows, seed
from tests.sessions import be_patient

REASONS = "SELECT DISTINCT reason FROM ai_model_price_changes_held, unnest(reasons) AS reason"


def tiered(each: dict[str, Any], above: int, times: int) -> dict[str, Any]:
    rates = {name: each[name] * times for name in ("input_price", "output_price")}
    return each | {"tiers": [{"above_input_tokens": above, **rates}]}


@pytest.mark.parametrize(("above", "times"), [(1, 10), (1, 2), (200_000, 11)])
def test_tiers_of_every_model_at_once_are_held(database: Database, above: int, times: int) -> None:
    seed(*many(100))
    assert seed(*(tiered(each, above, times) for each in many(100))) == counts(held=100)


def test_a_tier_that_begins_elsewhere_in_every_model_is_held(database: Database) -> None:
    seed(*(tiered(each, 200_000, 2) for each in many(100)))
    assert seed(*(tiered(each, 1, 2) for each in many(100))) == counts(held=100)


def test_a_tier_of_a_few_models_is_taken(database: Database) -> None:
    seed(*many(100))
    some = [tiered(each, 200_000, 4) for each in many(100)[:10]]
    assert seed(*some, *many(100)[10:]) == counts(updated=10, unchanged=90)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (
            {"cache_read_price": 1_100_001},
            "cache_read_price: 1100001 is more than 110% of the input price 1000000",
        ),
        (
            {"cache_write_price": 3_000_001},
            "cache_write_price: 3000001 is more than 3 times the input price 1000000",
        ),
        (
            {"cache_write_1h_price": 3_000_001},
            "cache_write_1h_price: 3000001 is more than 3 times the input price 1000000",
        ),
        (
            {"variants": {"batch": {"input_price": 5_000_001}}},
            "variants.batch.input_price: 5000001 does not fit input_price 1000000",
        ),
        (
            {"variants": {"flex": {"input_price": 199_999}}},
            "variants.flex.input_price: 199999 does not fit input_price 1000000",
        ),
        (
            {"variants": {"flex": {"input_price": 500_000, "cache_read_price": 600_000}}},
            "variants.flex.cache_read_price: 600000 is more than 110% of the input price 500000",
        ),
    ],
)
@pytest.mark.parametrize("is_known", [True, False])
def test_what_does_not_fit_the_input_price_is_held(
    empty_database: Database, more: dict[str, Any], why: str, is_known: bool
) -> None:
    if is_known:
        seed(price(input_price=1_000_000))
    assert seed(price(input_price=1_000_000, **more)) == counts(held=1)
    assert empty_database.rows(REASONS) == [(why,)]


@pytest.mark.parametrize(
    "more",
    [
        {
            "cache_read_price": 1_100_000,
            "cache_write_price": 3_000_000,
            "cache_write_1h_price": 3_000_000,
        },
        {
            "variants": {
                "batch": {"input_price": 5_000_000},
                "flex": {"input_price": 200_000, "output_price": 7},
            }
        },
    ],
)
def test_what_fits_it_is_taken(empty_database: Database, more: dict[str, Any]) -> None:
    assert seed(price(input_price=1_000_000, **more)) == counts(inserted=1)


def test_a_first_book_whose_output_does_not_fit_its_input_prices_nothing(
    empty_database: Database,
) -> None:
    mistaken = [each | {"output_price": each["output_price"] * 20} for each in many(100)]
    assert seed(*mistaken) == counts(held=100)
    assert empty_database.rows(REASONS) == [
        ("100 is no plausible median of output to input prices of 100 new models",),
    ]


def test_a_provider_in_other_units_is_held_and_the_others_are_not(empty_database: Database) -> None:
    book = [each | {"provider": f"p{n % 5}"} for n, each in enumerate(many(200))]
    for each in book:
        if each["provider"] == "p1":
            each |= {
                "input_price": each["input_price"] * 50,
                "output_price": each["output_price"] * 50,
            }
    assert seed(*book) == counts(inserted=160, held=40)
    assert {row[0] for row in rows(empty_database)} == {"p0", "p2", "p3", "p4"}


def test_a_new_model_that_is_free_has_to_say_so(database: Database) -> None:
    seed(*many(100))
    assert seed(price("gpt-9", input_price=0, output_price=0)) == counts(held=1)
    assert database.rows(REASONS) == [("every price of a new model is zero",)]
    assert seed(price("gpt-9:free", input_price=0, output_price=0)) == counts(inserted=1)


def test_the_shipped_book_is_plausible(empty_database: Database) -> None:
    be_patient(empty_database)
    seed_prices.handler({}, Context())
    reasons = {row[0].rpartition(": ")[2] for row in empty_database.rows(REASONS)}
    assert not [
        each
        for each in reasons
        if "plausible" in each or "does not fit" in each or "more than" in each
    ]
    assert "every price of a new model is zero" not in reasons
