"""The first source's prices of units other than text."""

from decimal import Decimal

import pytest
from genai_prices.types import ModelPrice, Tier, TieredPrices

from local.price_book import PriceBookRefused
from tests.price_sources import made, model, variant


def test_every_price_is_for_a_million_of_its_unit():
    (row,) = made(
        model(
            ModelPrice(
                input_audio_mtok=Decimal(3),
                web_searches_kcount=Decimal(10),
                audio_hours=Decimal("0.36"),
                input_audio_hours=Decimal("0.111"),
                input_gpixels=Decimal("0.6"),
                input_mchars=Decimal(15),
            )
        )
    )["prices"]
    assert row["unit_prices"] == {
        "input_audio": 3_000_000,
        "web_searches": 10_000_000_000,
        "input_characters": 15_000_000,
        "audio_milliseconds": 100_000,
        "input_audio_milliseconds": 30_833,
        "pixels": 600,
    }


def test_a_tier_and_a_variant_have_the_prices_of_units_too():
    audio = TieredPrices(Decimal(1), [Tier(100, Decimal(2))])
    prices = ModelPrice(input_audio_mtok=audio, web_searches_kcount=Decimal(5))
    priced = model(prices)
    batch = ModelPrice(input_audio_mtok=Decimal(7))
    priced.price_variants = [variant("processing", "batch", batch)]
    (row,) = made(priced)["prices"]
    searches = {"web_searches": 5_000_000_000}
    assert row["unit_prices"] == {"input_audio": 1_000_000} | searches
    assert row["tiers"] == [
        {"above_input_tokens": 100, "unit_prices": {"input_audio": 2_000_000} | searches}
    ]
    assert row["variants"] == {"batch": {"unit_prices": {"input_audio": 7_000_000} | searches}}


def test_a_unit_that_the_registry_lacks_stops_the_tool():
    with pytest.raises(PriceBookRefused, match=r"acme-ai/m: input_tool_mtok is no unit"):
        made(model(ModelPrice(input_mtok=Decimal(1), input_tool_mtok=Decimal(1))))


@pytest.mark.parametrize("price", ["-1", "1e999999", "NaN", "1001"])
def test_an_absurd_price_of_a_unit_stops_the_tool(price: str):
    with pytest.raises(PriceBookRefused, match=r"acme-ai/m unit_prices\.web_searches: "):
        made(model(ModelPrice(web_searches_kcount=Decimal(price))))
