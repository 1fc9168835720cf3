"""A suspect change is held: listed, logged, and approved or rejected once, by an owner."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from tests.gateway import Client
from tests.held_changes import BEFORE, HELD, TOMORROW, decide, disputed, held
from tests.postgres import Database
from tests.price_books import (
    counts,
    price,
    rows,
    seed,
    versions,
)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"input_price": 3_000_001}, "input_price: moves by more than a factor of 3 from 1000000 "
        "to 3000001"),
        ({"output_price": 600_000}, "output_price: moves by more than a factor of 3 from 2000000 "
        "to 600000"),
        ({"input_price": 0}, "input_price: falls to zero from 1000000 to 0"),
        ({"output_price": None}, "output_price: becomes unknown from 2000000 to None"),
        ({"variants": {}}, "variants.batch.input_price: becomes unknown from 500000 to None"),
        ({"variants": {"batch": {"input_price": 5_000_000}}},
         "variants.batch.input_price: moves by more than a factor of 3 from 500000 to 5000000"),
        ({"tiers": [{"above_input_tokens": 200_000, "input_price": 30_000_000,
            "output_price": 2_000_000}]},
         "tiers[200000].input_price: moves by more than a factor of 10 from 1000000 to 30000000"),
        ({"tiers": [{"above_input_tokens": 200_000, "input_price": 2_000_000}]},
         "tiers[200000].output_price: becomes unknown from 2000000 to None"),
    ],
)  # fmt: skip
def test_a_change_that_may_be_wrong_is_held_and_says_why(
    database: Database, olivia: Client, change: dict[str, Any], reason: str
) -> None:
    seed(BEFORE)
    before = rows(database)
    assert seed(BEFORE | change) == counts(held=1)
    assert rows(database) == before
    (waiting,) = held(olivia)
    assert waiting["reasons"] == [reason]
    assert (waiting["before"]["input_price"], waiting["provider"], waiting["model"]) == (
        1_000_000,
        "p",
        "m",
    )
    assert waiting["effective_from"] is None


def test_a_rise_from_zero_is_held(database: Database, olivia: Client) -> None:
    seed(price(input_price=0))
    assert seed(price(input_price=1)) == counts(held=1)


@pytest.mark.parametrize(
    "change", [{"input_price": 3_000_000}, {"output_price": 666_667}, {"cache_read_price": 0}]
)
def test_a_change_within_bounds_is_applied(database: Database, change: dict[str, Any]) -> None:
    seed(BEFORE)
    assert seed(BEFORE | change) == counts(updated=1)


def test_a_scheduled_change_is_judged_like_a_present_one(
    database: Database, olivia: Client
) -> None:
    dated = BEFORE | {"effective_from": TOMORROW.isoformat(), "input_price": 10_000_000}
    assert seed(BEFORE, dated) == counts(inserted=1, held=1), (
        "a new model's too, against its own entry before"
    )
    assert datetime.fromisoformat(held(olivia)[0]["effective_from"]) == TOMORROW
    assert decide(olivia, "approve").status == 204
    assert [row[2] for row in versions(database)] == [1_000_000, 10_000_000]
    assert rows(database)[0][3] == 1_000_000, "from its time on, not before"
    assert seed(BEFORE, dated) == counts(unchanged=2)


def test_the_same_proposal_is_held_once_and_a_later_one_takes_its_place(
    database: Database, olivia: Client
) -> None:
    seed(BEFORE)
    for _ in range(3):
        assert seed(BEFORE | {"input_price": 9_000_000}) == counts(held=1)
    (first,) = held(olivia)
    seed(BEFORE | {"input_price": 8_000_000})
    (second,) = held(olivia)
    assert second["proposed"]["input_price"] == 8_000_000
    late = olivia.post(f"{HELD}/{first['id']}/approve")
    assert late.status == 409
    assert late.json()["detail"].startswith("It was superseded by price-seeder at ")
    assert seed(BEFORE) == counts(unchanged=1)
    assert held(olivia) == [], "the book says again what is in effect"


def test_a_book_about_other_models_leaves_what_waits_alone(
    database: Database, olivia: Client
) -> None:
    seed(BEFORE)
    seed(BEFORE | {"input_price": 9_000_000})
    seed(price("other", input_price=5))
    assert len(held(olivia)) == 1


def test_held_changes_come_page_by_page(olivia: Client) -> None:
    names = [f"m{n}" for n in range(4)]
    seed(*(price(name, input_price=1_000_000) for name in names))
    seed(*(price(name, input_price=9_000_000) for name in names))
    page = olivia.get(f"{HELD}?limit=3").json()
    rest = olivia.get(f"{HELD}?limit=3&after={page['next']}").json()
    assert [each["model"] for each in (*page["held"], *rest["held"])] == names
    assert rest["next"] is None
    assert [each["model"] for each in olivia.get(f"{HELD}?model=m2").json()["held"]] == ["m2"]
    assert olivia.get(f"{HELD}?after=x").status == 400


# Sources that disagree.


def test_of_a_new_model_one_sources_price_counts_and_the_others_waits(
    database: Database, olivia: Client
) -> None:
    assert seed(*disputed(10, 12)) == counts(inserted=1, held=1)
    assert seed(*disputed(10, 12)) == counts(unchanged=1, held=1)
    (waiting,) = held(olivia)
    assert (waiting["before"]["input_price"], waiting["proposed"]["input_price"]) == (10, 12)
    assert (waiting["reasons"], waiting["by_source"]) == (
        ["models-dev says otherwise"],
        {"models-dev": {"input_price": 12}},
    )
    assert waiting["sources"] == ["models-dev"]


def test_a_known_price_does_not_move_while_its_sources_disagree(
    database: Database, olivia: Client
) -> None:
    seed(price(input_price=10))
    assert seed(*disputed(11, 10)) == counts(held=1)
    assert rows(database)[0][3] == 10
    assert held(olivia)[0]["reasons"] == ["the sources of this price disagree"]
    assert seed(price(input_price=11, sources=["genai-prices", "models-dev"])) == counts(held=1)
    assert decide(olivia, "approve").status == 204
    assert rows(database)[0][3] == 11


# A whole book.


def test_a_seeding_writes_one_log_line_with_counts_and_reasons_and_metrics(
    empty_database: Database,
    logged: Callable[[], list[dict[str, Any]]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    seed(price("a", input_price=1_000_000), price("b", input_price=1_000_000))
    seed(price("a", input_price=9_000_000), price("b", input_price=0), source="book", version="7")
    _, line = [each for each in logged() if each["message"] == "price book"]
    assert (line["held"], line["title"], line["taken_from"]) == (2, "book 7", "an event")
    assert line["reasons"] == {"moves by more than a factor of n": 1, "falls to zero": 1}
    metrics = [
        json.loads(each)
        for each in capsys.readouterr().out.splitlines()
        if "HeldPriceChanges" in each
    ][-1]
    values = (
        metrics["HeldPriceChanges"],
        metrics["NewlyHeldPriceChanges"],
        metrics["PriceBookFallbacks"],
    )
    assert values == ([2.0], [2.0], [0.0])
    assert json.dumps(line).count("9000000") == 0
