"""Books in other units, and many changes at once: they are held together."""

import json
from pathlib import Path

import pytest

import seed_prices
from tests.depth import by_depth
from tests.gateway import Client, Context
from tests.held_changes import decide, held
from tests.postgres import Database
from tests.price_books import (
    UNITS,
    counts,
    few_of_the_shipped,
    in_units,
    many,
    price,
    rows,
    seed,
    versions,
)


@pytest.mark.parametrize("unit", UNITS)
def test_a_book_in_other_units_changes_no_price(
    database: Database, olivia: Client, unit: str
) -> None:
    seed(*many(50))
    before = rows(database)
    answer = seed(*in_units(many(50), unit), price("newcomer", input_price=500_000), complete=True)
    assert answer == counts(held=51)
    assert rows(database) == before
    assert len(held(olivia)) == 51


def test_a_first_book_that_makes_most_models_free_prices_nothing(empty_database: Database) -> None:
    assert seed(*many(40)[:15], *(each | {"input_price": 0} for each in many(40)[15:])) == counts(
        held=40
    )


@pytest.mark.parametrize("unit", UNITS)
def test_a_first_book_in_other_units_prices_nothing(empty_database: Database, unit: str) -> None:
    assert seed(*in_units(many(50), unit))["inserted"] == 0
    assert rows(empty_database) == []


def test_a_first_book_in_the_right_units_is_taken(empty_database: Database) -> None:
    assert seed(*many(50)) == counts(inserted=50)


def test_many_small_moves_at_once_are_held_together(database: Database) -> None:
    seed(*many(50))
    moved, rest = many(50)[:10], many(50)[10:]
    changed = [*(each | {"input_price": each["input_price"] + 1} for each in moved), *rest]
    assert seed(*changed) == counts(updated=10, unchanged=40), "a fifth of the book may move"
    more = [each | {"output_price": each["output_price"] + 1} for each in changed[:11]]
    assert seed(*more, *changed[11:]) == counts(held=11, unchanged=39)
    assert seed(*more, *changed[11:]) == counts(held=11, unchanged=39)


def test_what_becomes_known_of_many_models_at_once_is_no_move(database: Database) -> None:
    seed(*many(50))
    assert seed(
        *(each | {"cache_write_1h_price": 2 * each["input_price"]} for each in many(50))
    ) == counts(updated=50)


@pytest.mark.parametrize("amount", [999, 1_000_000_001])
def test_a_new_model_at_no_plausible_price_is_held(
    database: Database, olivia: Client, amount: int
) -> None:
    seed(*many(30))
    assert seed(price("new", input_price=amount)) == counts(held=1)
    assert held(olivia)[0]["reasons"] == [f"input_price: {amount} is no plausible price"]
    assert held(olivia)[0]["before"] is None
    assert seed(price("new:free", input_price=0)) == counts(inserted=1)
    assert decide(olivia, "approve").status == 204
    assert versions(database, "new") == [("default", None, amount, False, False)]


@pytest.mark.parametrize("is_whole", by_depth([False], [False, True], [False, True]))
def test_the_shipped_book_in_other_units_changes_no_shipped_price(
    empty_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_whole: bool
) -> None:
    if not is_whole:
        monkeypatch.setattr(seed_prices, "SHIPPED", few_of_the_shipped(tmp_path))
    first = seed_prices.handler({}, Context())
    document = json.loads(seed_prices.SHIPPED.read_text())
    before = rows(empty_database)
    for unit in UNITS:
        entries = in_units([each for each in document["prices"] if "held" not in each], unit)
        plain = [
            {key: value for key, value in each.items() if key not in ("tiers", "variants")}
            for each in entries
        ]
        answer = seed(*plain)
        assert (answer["inserted"], answer["updated"]) == (0, 0)
    assert rows(empty_database) == before
    assert first["inserted"] > (1000 if is_whole else 50)
