"""Variants of the first source: batch, flex and priority."""

import datetime
from decimal import Decimal

from genai_prices.types import ModelPrice

from tests.price_sources import (
    four,
    genai,
    made,
    model,
    usd,
    variant,
)


def test_kinds_of_processing_are_variants_and_other_kinds_are_counted():
    priced = model(usd("2", "8", cache_read_mtok=Decimal("0.2")))
    priced.price_variants = [
        variant("processing", "batch", usd("1")),
        variant("service_tier", "flex", usd("1.5")),
        variant("service_tier", "priority", usd("4", "16")),
        variant("service_tier", "fast", usd("9")),
        variant("service_tier", "default", ModelPrice()),
        variant("route", "mistral/eu", usd("3")),
    ]
    first = genai(priced)
    (row,) = made(priced)["prices"]
    assert row["input_price"] == 2_000_000
    # What a variant does not name costs what it does otherwise: so the package has it, and so it
    # charges.
    assert row["variants"] == {
        "batch": {"input_price": 1_000_000, "output_price": 8_000_000, "cache_read_price": 200_000},
        "flex": {"input_price": 1_500_000, "output_price": 8_000_000, "cache_read_price": 200_000},
        "priority": {
            "input_price": 4_000_000,
            "output_price": 16_000_000,
            "cache_read_price": 200_000,
        },
        "fast": {"input_price": 9_000_000, "output_price": 8_000_000, "cache_read_price": 200_000},
    }
    assert first.uncarried() == {"route=mistral/eu": 1}


def test_the_first_begun_variant_counts_and_a_later_one_is_a_change():
    later = datetime.date(2027, 1, 1)
    priced = model(usd("2", "8"))
    priced.price_variants = [
        variant("processing", "batch", usd("0.5"), later),
        variant("processing", "batch", usd("1")),
        variant("processing", "batch", usd("1.5", "4")),
    ]
    rows = made(priced)["prices"]
    assert [row["variants"]["batch"] for row in rows] == [
        {"input_price": 1_000_000, "output_price": 4_000_000},
        {"input_price": 500_000, "output_price": 4_000_000},
    ]
    assert rows[1]["effective_from"] == "2027-01-01T00:00:00Z"


def test_a_free_model_without_a_price_costs_zero_and_a_stated_price_counts():
    rows = made(model(ModelPrice(), "m:free"), model(ModelPrice(input_mtok=Decimal(1)), "n:free"))[
        "prices"
    ]
    assert [four(row) for row in rows] == [(0, 0, 0, 0), (1_000_000, None, None, None)]
