"""Costs of tokens by stated prices, in short."""

from fractions import Fraction
from typing import Any

from allowance.prices.cost import Cost, Tokens, cost_of
from allowance.prices.terms import PriceTerms

CLASSES = ("input", "output", "cache_read", "cache_write", "cache_write_1h")
SONNET = PriceTerms.model_validate(
    {
        "input_price": 3_000_000,
        "output_price": 15_000_000,
        "cache_read_price": 300_000,
        "cache_write_price": 3_750_000,
        "cache_write_1h_price": 6_000_000,
        "tiers": [
            {"above_input_tokens": 200_000, "input_price": 6_000_000, "output_price": 22_500_000},
            {"above_input_tokens": 400_000, "input_price": 9_000_000, "output_price": 30_000_000},
        ],
        "variants": {"batch": {"input_price": 1_500_000, "output_price": 7_500_000}},
    }
)


def micros(stated: PriceTerms, **tokens: int) -> int | None:
    cost = cost_of(Tokens(**tokens), stated)
    return cost and cost.micros


def priced(**stated: Any) -> PriceTerms:
    return PriceTerms.model_validate(stated)


def as_tuple(cost: Cost | None, per: int = 10**6) -> tuple[Fraction, int | None] | None:
    """The exact cost in units of `per` picos, and the tier."""
    return cost and (Fraction(cost.picos, per), cost.tier)
