"""Every flavour of the pinned extractors of `genai_prices`: what we read in a random object costs
what the package says, at the same prices.
"""

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal, localcontext
from random import Random

import pytest
from genai_prices.types import ModelPrice

from allowance.prices.units import OtherUnit
from allowance.usage.reading.formats import read_usage
from local.price_book.genai_units import OTHERS, TOKENS, Sold
from tests.depth import by_depth
from tests.usage_objects import FLAVOURS, Flavour, Made

OBJECTS = by_depth(20, 50, 500)

EXCLUDED: Mapping[str, str] = {
    "audio and cached tokens together, undivided": (
        "An object with both must say how many of the cached tokens are audio: chat completions do"
        " not, so they stay unread. The package takes all of them for text."
    ),
    "reasoning tokens at their own price": (
        "Reasoning is output, but for Perplexity, which counts it beside the completion."
    ),
    "tokens of tools at their own price": "No model of the package has one.",
    "requests": "A model with a price by request counts one: Perplexity's sonar models.",
}
"""What the objects or the prices here leave out, and why."""

BY_THE_SECOND: Mapping[str, frozenset[OtherUnit]] = {
    "x-ai/realtime": frozenset({"audio_milliseconds", "input_messages"}),
}
"""Flavours whose tokens cost nothing."""

APART: frozenset[OtherUnit] = frozenset({"output_reasoning", "output_citation"})


UNITS: Mapping[str, Sold] = {**TOKENS, **OTHERS}
MODAL = ("audio", "image", "video")
JOINED = tuple(f"cache_{kind}_write{each}_mtok" for kind in MODAL for each in ("", "_1h"))
"""Prices that the package wants where it has a price for writes and for audio. Nothing counts them.
"""


def prices_of(made: Made) -> dict[str, Decimal]:
    """A different price for each class and unit that this flavour can be sold in."""
    units = {*UNITS} - {"requests"}
    if only := BY_THE_SECOND.get(made.name):
        units = {*only}
    elif made.name == "perplexity/default":
        units -= {unit for unit in units for kind in MODAL if kind in unit}
    else:
        units -= APART
    return {unit: Decimal(3 + 2 * place) / 7 for place, unit in enumerate(UNITS) if unit in units}


def cost_by_package(made: Made, prices: Mapping[str, Decimal]) -> Decimal:
    stated = {UNITS[name].name: price for name, price in prices.items()}
    if "input_audio" in prices:
        stated |= dict.fromkeys(JOINED, Decimal(1000))
    theirs = ModelPrice(**stated)
    return theirs.calc_price(made.oracle)["total_price"]


def cost_by_us(made: Made, prices: Mapping[str, Decimal]) -> Decimal | None:
    found = read_usage(made.usage_format, made.usage, made.provider, made.model)
    if found.unread:
        return None
    counts: dict[str, int] = {**found.tokens.by_class(), **found.others}
    return sum(
        (prices[name] * count / UNITS[name].per for name, count in counts.items() if count),
        Decimal(),
    )


@pytest.mark.parametrize("flavour", FLAVOURS, ids=lambda each: each.name)
def test_what_is_read_costs_what_the_package_says(flavour: Flavour) -> None:
    random = Random(flavour.name)  # noqa: S311 - the same objects every time
    outcomes = Counter[str]()
    for _ in range(OBJECTS):
        made = flavour.make(random)
        prices = prices_of(made)
        with localcontext(prec=60):
            theirs, ours = cost_by_package(made, prices), cost_by_us(made, prices)
            if ours is None:
                outcomes["unread"] += 1
            else:
                outcomes["priced"] += 1
                assert abs(ours - theirs) < Decimal("1e-40"), made
    assert outcomes["unread"] == 0, outcomes


def test_all_flavours_of_the_package_are_here() -> None:
    assert len(FLAVOURS) > 80
    assert {"openai/chat", "anthropic/default", "google/default", "aws/default"} <= {
        each.name for each in FLAVOURS
    }
