"""The price terms of a model: what each class of token costs, by size of the request and by kind of
processing.

A price is whole micro-units of US dollars per one million tokens, 0..1e12; null is unknown, 0 is
free.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Literal, Self, override

from pydantic import AfterValidator, Field, model_validator

from allowance.contract.fields import Body

MAX_PRICE_MICROS = 1_000_000_000_000
MAX_THRESHOLD_TOKENS = 1_000_000_000_000
MAX_TIERS = 16

RATES = (
    "input_price",
    "output_price",
    "cache_read_price",
    "cache_write_price",
    "cache_write_1h_price",
)
"""The names of the five prices, in the order in which they are shown."""

Price = Annotated[int | None, Field(ge=0, le=MAX_PRICE_MICROS)]
Variant = Literal["batch", "flex", "priority"]
"""A kind of processing that a request can ask for, at prices of its own: later, when there is room,
or first.
"""


class Rates(Body):
    """One price for each class of token; `cache_write_price` is of entries kept five minutes. One
    at least is set.
    """

    input_price: Price = None
    output_price: Price = None
    cache_read_price: Price = None
    cache_write_price: Price = None
    cache_write_1h_price: Price = None

    @property
    def prices(self) -> tuple[int | None, int | None, int | None, int | None, int | None]:
        """In the order of RATES, which is that of the classes of tokens."""
        return (
            self.input_price,
            self.output_price,
            self.cache_read_price,
            self.cache_write_price,
            self.cache_write_1h_price,
        )

    @cached_property
    def amounts(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The prices with 0 for those that are unknown, and the places of these. Worked out once: a
        usage has both.
        """
        known = tuple(price or 0 for price in self.prices)
        return known, tuple(place for place, price in enumerate(self.prices) if price is None)

    def is_priced(self) -> bool:
        """Whether any price is set."""
        return any(price is not None for price in self.prices)

    @model_validator(mode="after")
    def _one_price_at_least(self) -> Self:
        if not self.is_priced():
            raise ValueError("at least one price must be set (0 declares a model free)")
        return self


class Tier(Rates):
    """The prices of the whole request, output included, once its input of every class is above a
    number of tokens.

    A price that a tier does not set is unknown in that tier: it does not fall back to the one
    below.
    """

    above_input_tokens: Annotated[int, Field(ge=1, le=MAX_THRESHOLD_TOKENS)]


def _ascending(tiers: Sequence[Tier]) -> Sequence[Tier]:
    thresholds = [tier.above_input_tokens for tier in tiers]
    if thresholds != sorted(set(thresholds)):
        raise ValueError("must ascend strictly by above_input_tokens")
    return tiers


class Terms(Rates):
    """The prices of a request, and those of larger ones: the highest tier that its input passes
    prices all of it.
    """

    # A factory, since pydantic copies a default deeply for each of the thousands of entries of a
    # book.
    tiers: Annotated[list[Tier], Field(max_length=MAX_TIERS), AfterValidator(_ascending)] = Field(
        default_factory=list[Tier]
    )

    @override
    def is_priced(self) -> bool:
        return super().is_priced() or bool(self.tiers)


class PriceTerms(Terms):
    """All terms of a model. A variant that is not here has no price: the standard one does not
    stand in for it.
    """

    variants: dict[Variant, Terms] = Field(default_factory=dict[Variant, Terms])

    @override
    def is_priced(self) -> bool:
        return super().is_priced() or bool(self.variants)
