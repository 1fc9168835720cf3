"""Random objects of every flavour, at the prices of the shipped book: each costs what
`genai_prices` calculates from the same prices, to 1e-12 USD.
"""

from collections.abc import Mapping
from decimal import localcontext
from functools import cache
from random import Random

import pytest

from allowance.prices.cost import TOKEN_CLASSES, cost_of
from allowance.prices.sellers import seller_of
from allowance.prices.terms import PriceTerms
from allowance.prices.units import OTHER_UNITS
from allowance.usage.reading.formats import read_usage
from local.price_book.genai_units import OTHERS, TOKENS
from tests.committed_book import APPLIED
from tests.depth import by_depth
from tests.oracle import COUNTED, prices_of
from tests.usage_objects import FLAVOURS, Flavour

OBJECTS = by_depth(10, 50, 500)

NEEDED: Mapping[str, set[str]] = {"x-ai/realtime": {"audio_seconds", "input_text_messages"}}
"""What a model must be sold in for a flavour. Others: input tokens, or all that has no tokens."""

EXCLUDED: Mapping[str, str] = {
    "what a model is not sold in": (
        "The counts of classes and units without a price are 0. The package takes them for input"
        " or output at the price of text: ours leave the usage unpriced."
    ),
    "audio and cached tokens together, undivided": "See test_flavours.",
}
"""What the objects leave out, and why."""


@cache
def models_of(provider: str) -> Mapping[str, PriceTerms]:
    return {
        model: PriceTerms.model_validate(
            {name: row[name] for name in PriceTerms.model_fields if name in row}
        )
        for (seller, model), row in APPLIED.items()
        if seller == provider
    }


def unsold(terms: PriceTerms) -> frozenset[str]:
    """The package's names of what a model has no price for, in one of its tiers."""
    found: set[str] = set()
    for level in (terms, *terms.tiers):
        found |= {OTHERS[unit].name for unit in OTHER_UNITS if level.price_of(unit) is None}
        found |= {TOKENS[TOKEN_CLASSES[place]].name for place in level.amounts[1]}
    counts = {COUNTED[name] for name in found}
    # Of a model that makes sound alone, for example, there is no text in the whole output.
    texts = {"output_tokens": "output_text_tokens", "cache_read_tokens": "cache_text_read_tokens"}
    counts |= {text for whole, text in texts.items() if whole in counts}
    if counts & {"cache_write_tokens", "cache_write_1h_tokens"}:
        counts |= {"cache_write_5m_tokens", "cache_write_1h_tokens"}
    if "output_tokens" in counts:
        counts.add("output_text_tokens")
    return frozenset(counts)


@pytest.mark.parametrize("flavour", FLAVOURS, ids=lambda each: each.name)
def test_a_model_of_the_book_costs_what_the_package_says(flavour: Flavour) -> None:
    random = Random(flavour.name)  # noqa: S311 - the same objects every time
    counted = set[str]().union(*flavour.paths.values())
    needed = NEEDED.get(flavour.name) or counted & {"input_tokens"} or counted
    sold = [
        (name, terms, lacking)
        for name, terms in models_of(seller_of(flavour.provider.id)).items()
        if not needed & (lacking := unsold(terms))
    ]
    assert sold
    for _ in range(OBJECTS):
        name, terms, lacking = random.choice(sold)
        made = flavour._replace(without=lacking).make(random)
        found = read_usage(made.usage_format, made.usage, made.provider, made.model)
        assert not found.unread, made
        cost = cost_of(found.tokens, terms, found.variant, found.others)
        with localcontext(prec=60):
            theirs = prices_of(terms, {*found.others}).calc_price(made.oracle)["total_price"]
            assert cost, (name, made)
            assert cost.picos == theirs * 10**12, (name, made)
