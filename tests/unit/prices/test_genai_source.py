"""The first source: what the tool takes from the package's data, and what stops it."""

import dataclasses
import datetime
import json
from decimal import Decimal
from fractions import Fraction

import pytest
from genai_prices.types import (
    ConditionalPrice,
    ModelPrice,
    StartDateConstraint,
    Tier,
    TieredPrices,
)

from local.price_book import PriceBookRefused
from local.price_book.book import render
from local.price_book.genai import NO_PRICE, GenaiPrices
from local.price_book.present import in_force
from tests.price_sources import (
    DAY,
    always,
    four,
    from_day,
    from_hour,
    genai,
    made,
    merged,
    model,
    provider,
    usd,
    variant,
)


def input_price(prices: ModelPrice | list[ConditionalPrice]) -> int | None:
    """Of today: what was before and what is to come are other entries."""
    (row,) = in_force(made(model(prices)))
    return row["input_price"]


@pytest.mark.parametrize(
    ("price", "micros"),
    [
        ("0.0000005", 0),
        ("0.0000015", 2),
        ("0.0000025", 2),
        ("1.0000005", 1_000_000),
        ("1.0000015", 1_000_002),
        ("1.00000150000000000000000000000000001", 1_000_002),
        ("1.00000050000000000000000000000000001", 1_000_001),
        ("1.0000004999999999999999999999999999999", 1_000_000),
    ],
)
def test_a_half_micro_goes_to_the_even_side_and_is_listed(price: str, micros: int):
    result = made(model(ModelPrice(output_mtok=Decimal(price))))
    assert result["prices"][0]["output_price"] == micros
    (listed,) = result["roundings"]
    assert (listed["provider"], listed["model"], listed["field"]) == (
        "acme-ai",
        "m",
        "output_price",
    )
    assert Fraction(listed["exact"]) == Fraction(price) * 1_000_000
    assert listed["rounded"] == micros


def test_a_whole_number_of_micros_is_not_a_rounding():
    result = made(model(ModelPrice(input_mtok=Decimal("0.000001"), output_mtok=Decimal("1E+3"))))
    assert four(result["prices"][0]) == (1, 1_000_000_000, None, None)
    assert result["roundings"] == []


def test_free_is_zero_and_unknown_is_null():
    (row,) = made(model(ModelPrice(input_mtok=Decimal(0), output_mtok=None)))["prices"]
    assert four(row) == (0, None, None, None)


def tiered(base: str, *tiers: tuple[int, str]) -> TieredPrices:
    return TieredPrices(Decimal(base), [Tier(start, Decimal(price)) for start, price in tiers])


def test_tiers_are_carried_with_every_class_at_every_threshold():
    prices = ModelPrice(
        input_mtok=tiered("1", (200, "2"), (500, "3")),
        output_mtok=tiered("4", (500, "5")),
        cache_read_mtok=Decimal("0.1"),
    )
    (row,) = made(model(prices))["prices"]
    assert four(row) == (1_000_000, 4_000_000, 100_000, None)
    assert row["tiers"] == [
        {
            "above_input_tokens": 200,
            "input_price": 2_000_000,
            "output_price": 4_000_000,
            "cache_read_price": 100_000,
        },
        {
            "above_input_tokens": 500,
            "input_price": 3_000_000,
            "output_price": 5_000_000,
            "cache_read_price": 100_000,
        },
    ]


def test_a_cache_entry_kept_an_hour_has_its_own_price():
    (row,) = made(
        model(usd("1", cache_write_mtok=Decimal("1.25"), cache_write_1h_mtok=Decimal(2)))
    )["prices"]
    assert (row["cache_write_price"], row["cache_write_1h_price"]) == (1_250_000, 2_000_000)


def test_a_price_counts_from_the_day_it_starts():
    tomorrow = DAY + datetime.timedelta(days=1)
    assert input_price([always("1"), from_day(DAY, "2"), from_day(tomorrow, "3")]) == 2_000_000


def test_the_last_price_begun_wins_even_out_of_order():
    earlier = DAY - datetime.timedelta(days=9)
    assert input_price([from_day(DAY, "2"), from_day(earlier, "3")]) == 3_000_000
    assert input_price([from_day(DAY, "2"), always("1")]) == 1_000_000


def test_a_time_of_day_never_decides():
    assert input_price([always("1"), from_hour(0, "2"), from_hour(9, "3")]) == 1_000_000


def test_where_no_price_has_begun_the_first_one_counts():
    assert input_price([from_hour(1, "4"), from_hour(2, "5")]) == 4_000_000


def test_a_future_day_is_an_entry_of_its_own_unless_it_changes_nothing():
    soon, later = (DAY + datetime.timedelta(days=days) for days in (21, 52))
    rows = made(model([always("1"), from_day(soon, "1"), from_day(later, "2")]))["prices"]
    assert [(row.get("effective_from"), row["input_price"]) for row in rows] == [
        (None, 1_000_000),
        ("2027-01-01T00:00:00Z", 2_000_000),
    ]


def test_what_a_model_cost_before_is_an_entry_of_its_own():
    before, since = (DAY - datetime.timedelta(days=days) for days in (90, 9))
    rows = made(model([always("4"), from_day(before, "4"), from_day(since, "15")]))["prices"]
    assert [(row.get("effective_from"), row["input_price"]) for row in rows] == [
        (None, 4_000_000),
        ("2026-11-01T00:00:00Z", 15_000_000),
    ]


def test_what_became_known_later_counts_while_the_rest_is_the_same():
    known, cut = (DAY - datetime.timedelta(days=days) for days in (9, 90))
    batch = variant("processing", "batch", usd("1"), known)
    priced = dataclasses.replace(model([always("4"), from_day(cut, "2")]), price_variants=[batch])
    rows = made(priced)["prices"]
    assert [(row["input_price"], "variants" in row) for row in rows] == [
        (4_000_000, False),
        (2_000_000, True),
    ]
    soon = variant("processing", "batch", usd("1"), DAY + datetime.timedelta(days=1))
    rows = made(dataclasses.replace(model(usd("2")), price_variants=[soon]))["prices"]
    assert ["variants" in row for row in rows] == [False, True], "what is to come does not count"


def test_a_price_before_a_time_without_one_is_left_out():
    nothing, again = (DAY - datetime.timedelta(days=days) for days in (90, 9))
    gap = ConditionalPrice(StartDateConstraint(nothing), prices=ModelPrice())
    (row,) = made(model([always("4"), gap, from_day(again, "2")]))["prices"]
    assert (row["effective_from"], row["input_price"]) == ("2026-11-01T00:00:00Z", 2_000_000)
    assert made(model([always("4"), gap]))["prices"] == []


def test_a_model_without_a_price_today_is_priced_from_the_day_that_has_one():
    priced = model(
        [ConditionalPrice(prices=ModelPrice()), from_day(datetime.date(2027, 1, 1), "2")]
    )
    (row,) = made(priced)["prices"]
    assert (row["effective_from"], row["input_price"]) == ("2027-01-01T00:00:00Z", 2_000_000)


def test_models_without_a_price_are_left_out_with_the_reason():
    models = [
        model(ModelPrice(), "free-or-unknown"),
        model([], "no-entry"),
        model(ModelPrice(cache_read_mtok=Decimal(3)), "priced"),
    ]
    assert [row["model"] for row in made(*models)["prices"]] == ["priced"]
    assert merged(genai(*models)).left_out == {
        ("acme-ai", "free-or-unknown"): f"genai-prices: {NO_PRICE}",
        ("acme-ai", "no-entry"): f"genai-prices: {NO_PRICE}",
    }


@pytest.mark.parametrize(
    "price",
    ["-0.000001", "1000000.000001", "NaN", "Infinity", "1e300", "1e999999", f"0.{'1' * 2000}"],
)
def test_a_negative_or_absurd_price_stops_the_tool(price: str):
    with pytest.raises(PriceBookRefused, match="acme-ai/m input_price: "):
        made(model(ModelPrice(input_mtok=Decimal(price))))


def test_a_price_that_is_a_float_stops_the_tool():
    with pytest.raises(
        PriceBookRefused, match=r"acme-ai/m input_price: 0\.1 is not a decimal number"
    ):
        made(model(ModelPrice(input_mtok=0.1)))  # pyright: ignore[reportArgumentType]


def test_the_highest_price_is_a_price():
    assert input_price(ModelPrice(input_mtok=Decimal(1_000_000))) == 10**12


def test_a_model_priced_twice_stops_the_tool_even_under_two_provider_names():
    priced = model(ModelPrice(input_mtok=Decimal(1)))
    with pytest.raises(PriceBookRefused, match="acme-ai/m: priced twice"):
        made(priced, priced)
    with pytest.raises(PriceBookRefused, match="bedrock/m: priced twice"):
        GenaiPrices([provider(priced, name="aws"), provider(priced, name="bedrock")], DAY)


@pytest.mark.parametrize("name", ["", " ", " m", "m\n", "a\tb", "a\x00b"])
def test_an_odd_name_stops_the_tool(name: str):
    with pytest.raises(PriceBookRefused, match="empty, padded or unprintable"):
        made(model(ModelPrice(input_mtok=Decimal(1)), name))


def test_an_empty_book_is_json_too():
    assert json.loads(render(made())) == made()
