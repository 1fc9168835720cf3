"""Votes, and prices that the third source does not have: of other units, times and kinds."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from genai_prices.types import ConditionalPrice, ModelPrice, Tier, TieredPrices

from local.price_book.votes import FIRST_OUTVOTED, Priced
from tests.price_sources import (
    DAY,
    OLDER,
    always,
    from_day,
    genai,
    litellm,
    merged,
    model,
    models_dev,
    usd,
    variant,
)

FIRST, SECOND, THIRD = "genai-prices", "models-dev", "litellm"
AUDIO = "unit_prices.input_audio"
SINCE = OLDER - timedelta(days=100)
LATER = DAY + timedelta(days=100)


def outvoted(
    prices: ModelPrice | list[ConditionalPrice], cost: dict[str, Any] | None = None
) -> Priced:
    """The model whose input price is 3 by the first source, and 4 by the two others."""
    second = models_dev({"m": {"input": 4} | (cost or {})})
    return merged(genai(model(prices)), second, litellm({"m": [4]})).models["acme-ai", "m"]


def test_an_outvoted_source_keeps_its_past_and_what_units_others_lack():
    units: dict[str, Any] = {"input_audio_mtok": Decimal(10), "requests_kcount": Decimal(5)}
    found = outvoted([always("1"), from_day(SINCE, usd("3", **units))])
    assert (found.rules, found.sources) == ({FIRST_OUTVOTED}, (SECOND, THIRD))
    (start, past), (since, stated) = found.timeline
    assert (start, past.usd["input_price"], since) == (None, 1, SINCE)
    assert (stated.usd["input_price"], stated.usd[AUDIO]) == (4, 10)
    assert stated.usd["unit_prices.requests"] == 5_000


def test_a_unit_that_a_winner_prices_has_the_winners_price():
    audio = usd("3", input_audio_mtok=Decimal(10))
    (_, stated), *_ = outvoted(audio, {"input_audio": 10.1}).timeline
    assert stated.usd[AUDIO] == Decimal("10.1")


def test_a_tier_of_the_winners_has_the_units_that_they_lack():
    audio = usd("3", input_audio_mtok=Decimal(10))
    over = {"tiers": [{"input": 8, "tier": {"type": "context", "size": 1_000}}]}
    first, second = genai(model(audio)), models_dev({"m": {"input": 4} | over})
    third = litellm({"m": [4]}, {"m": {"1000": [8]}})
    (_, stated), *_ = merged(first, second, third).models["acme-ai", "m"].timeline
    assert (stated.tiers[1_000]["input_price"], stated.tiers[1_000][AUDIO]) == (8, 10)


@pytest.mark.parametrize(
    "prices",
    [
        usd("3", cache_write_1h_mtok=Decimal(6)),
        ModelPrice(input_mtok=TieredPrices(Decimal(3), [Tier(1_000, Decimal(6))])),
        [always("3"), from_day(LATER, "5")],
    ],
    ids=["a class", "a tier", "a change to come"],
)
def test_a_vote_replaces_no_prices_that_the_winners_lack(prices: Any):
    found = outvoted(prices)
    assert (found.sources, bool(found.held), found.rules) == ((FIRST,), True, frozenset())


def test_a_vote_replaces_no_prices_of_other_kinds_of_processing():
    batch = replace(model(usd("3")), price_variants=[variant("processing", "batch", usd("1"))])
    third = litellm({"m": [4]})
    found = merged(genai(batch), models_dev({"m": {"input": 4}}), third).models["acme-ai", "m"]
    assert (found.sources, bool(found.held)) == ((FIRST,), True)


@pytest.mark.parametrize("third", [3, 4])
def test_a_vote_about_text_decides_no_dispute_about_sound(third: float):
    first = genai(model(usd("3", input_audio_mtok=Decimal(10))))
    second = models_dev({"m": {"input": 4, "input_audio": 20}})
    found = merged(first, second, litellm({"m": [third]})).models["acme-ai", "m"]
    assert (found.sources, set(found.differences)) == ((FIRST,), {"input_price", AUDIO})


def test_a_source_of_text_alone_does_not_dispute_other_units():
    first = genai(model(usd("3", input_audio_mtok=Decimal(10))))
    found = merged(first, third=litellm({"m": [3]})).models["acme-ai", "m"]
    assert (found.sources, found.held) == ((FIRST, THIRD), None)
    assert found.timeline[0][1].usd[AUDIO] == 10


def test_an_outvoted_maker_has_no_say_about_a_platform():
    units: dict[str, Any] = {"input_audio_mtok": Decimal(10)}
    maker = genai(model([always("1"), from_day(SINCE, usd("3", **units))], "gpt-4"), name="openai")
    second, third = (
        models_dev({"gpt-4": {"input": 4}}, "azure"),
        litellm({"gpt-4": [4]}, name="azure"),
    )
    found = merged(maker, second, third).models["azure", "gpt-4"]
    ((day, stated),) = found.timeline
    assert (day, stated.usd["input_price"], stated.usd.get(AUDIO)) == (None, 4, None)


PAGED, TEXT = ModelPrice(input_document_kpages=Decimal(2)), usd("3")


@pytest.mark.parametrize(
    ("timeline", "sources"),
    [
        ([always(PAGED), from_day(SINCE, TEXT)], (FIRST, SECOND, THIRD)),
        ([always(TEXT), from_day(SINCE, PAGED)], (FIRST,)),
        ([always(PAGED)], (FIRST,)),
    ],
)
def test_only_a_price_of_text_in_force_is_compared(
    timeline: list[ConditionalPrice], sources: tuple[str, ...]
):
    first = genai(model(timeline))
    found = merged(first, models_dev({"m": {"input": 3}}), litellm({"m": [3]}))
    assert found.models["acme-ai", "m"].sources == sources
    assert found.models["acme-ai", "m"].held is None
