"""Platforms that sell a maker's models at the maker's price."""

import dataclasses
from decimal import Decimal
from typing import Any

from genai_prices.types import Tier, TieredPrices

from local.price_book.genai import GenaiPrices
from tests.price_sources import DAY, merged, model, models_dev, provider, usd, variant


def test_a_mirror_has_the_price_of_the_maker_and_holds_another():
    maker = GenaiPrices([provider(model(usd("30", "60"), "gpt-4"), name="openai")], DAY)
    for cost, held in (({"input": 30, "output": 60}, False), ({"input": 60, "output": 120}, True)):
        found = merged(maker, models_dev({"gpt-4": cost}, "azure")).models["azure", "gpt-4"]
        assert (found.timeline[-1][1].usd["input_price"], bool(found.held)) == (30, held)
    other = merged(maker, models_dev({"gpt-4": {"input": 60}}, "reseller"))
    assert other.models["reseller", "gpt-4"].timeline[-1][1].usd["input_price"] == 60


def test_the_latest_on_a_mirror_is_what_the_first_source_takes_it_for():
    latest = model(usd("0.75"), "gemini-3.8-flash", "gemini-flash-latest")
    first = GenaiPrices([provider(latest, name="google")], DAY)
    second = models_dev({"gemini-flash-latest": {"input": 0.3}}, "google-vertex")
    found = merged(first, second).models["google-vertex", "gemini-flash-latest"]
    assert found.timeline[-1][1].usd["input_price"] == Decimal("0.75")
    assert found.held


def test_a_mirror_takes_over_no_price_of_other_kinds_of_processing():
    batch = variant("processing", "batch", usd("15"))
    priced = dataclasses.replace(model(usd("30"), "gpt-4"), price_variants=[batch])
    maker = GenaiPrices([provider(priced, name="openai")], DAY)
    found = merged(maker, models_dev({"gpt-4": {"input": 30}}, "azure")).models
    assert set(found["openai", "gpt-4"].timeline[-1][1].variants) == {"batch"}
    assert found["azure", "gpt-4"].timeline[-1][1].variants == {}


def test_a_mirror_takes_over_no_price_of_tools():
    large = TieredPrices(Decimal(5), [Tier(200_000, Decimal(9))])
    units: dict[str, Any] = {"input_audio_mtok": large, "web_searches_kcount": Decimal(10)}
    maker = GenaiPrices([provider(model(usd("30", **units), "gpt-4"), name="openai")], DAY)
    found = merged(maker, models_dev({"gpt-4": {"input": 30}}, "azure")).models
    for key, names in (
        (("openai", "gpt-4"), {"unit_prices.input_audio", "unit_prices.web_searches"}),
        (("azure", "gpt-4"), {"unit_prices.input_audio"}),
    ):
        stated = found[key].timeline[-1][1]
        for level in (stated.usd, stated.tiers[200_000]):
            assert {name for name in level if name.startswith("unit_prices.")} == names
