"""Price terms of a model: the price of each class of token and of each other unit, by size of the
request and by variant.

A price is whole micro-units of US dollars per one million tokens or units, 0..1e12. Null is
unknown; 0 is free.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Any, Literal, Protocol, Self, cast, override

from pydantic import AfterValidator, Field, model_validator

from allowance.contract.fields import Body
from allowance.prices.units import OTHER_UNITS, TOOLS, OtherUnit

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
"""The names of the five prices, in display order."""

Price = Annotated[
    int | None,
    Field(
        ge=0,
        le=MAX_PRICE_MICROS,
        description=(
            "Whole micro-units of US dollars per one million tokens: 3000000 is $3.00; null is"
            " unknown, 0 is free."
        ),
    ),
]
UnitPrice = Annotated[
    int,
    Field(
        ge=0,
        le=MAX_PRICE_MICROS,
        description="Whole micro-units of US dollars per one million of the unit; 0 is free.",
    ),
]
Variant = Literal["batch", "flex", "priority", "fast"]
"""A kind of processing that a request can ask for, with its own prices: batch (later), flex (when
capacity is free), priority (first) or fast (quicker).
"""


class Rates(Body):
    """One price for each class of token, and `unit_prices` for other units. At least one is set.

    `cache_write_price` is for entries kept five minutes, `cache_write_1h_price` for one hour. A
    unit that is absent has no price, unless its tokens are sold as another class.
    """

    input_price: Price = None
    output_price: Price = None
    cache_read_price: Price = None
    cache_write_price: Price = None
    cache_write_1h_price: Price = None
    unit_prices: dict[OtherUnit, UnitPrice] = Field(default_factory=dict[OtherUnit, UnitPrice])

    @property
    def prices(self) -> tuple[int | None, int | None, int | None, int | None, int | None]:
        """Return the prices in the order of RATES, which is the order of token classes."""
        return (
            self.input_price,
            self.output_price,
            self.cache_read_price,
            self.cache_write_price,
            self.cache_write_1h_price,
        )

    @cached_property
    def amounts(self) -> tuple[tuple[int, ...], tuple[int, ...], int]:
        """Return the prices that apply, with 0 for unknown ones, the indexes of the unknown ones,
        and the price per request. Cached: every usage needs all.
        """
        given, made, _, written, written_1h = self.prices
        prices = given, made, self.applied_cache_read_price, written, written_1h
        known = tuple(price or 0 for price in prices)
        unknown = tuple(place for place, price in enumerate(prices) if price is None)
        return known, unknown, self.unit_prices.get("requests", 0)

    @property
    def applied_cache_read_price(self) -> int | None:
        """Return the price of cached reads: the input price, unless they have one of their own. No
        vendor charges more for them.
        """
        return self.input_price if self.cache_read_price is None else self.cache_read_price

    def price_of(self, unit: OtherUnit) -> int | None:
        """Return the price that applies to a unit: its own, or the price of the fresh tokens of its
        kind, or of the class as which its tokens are sold. None if all are unknown.
        """
        sold = OTHER_UNITS[unit]
        for each in (unit, sold.fresh):
            if each is not None and (own := self.unit_prices.get(each)) is not None:
                return own
        match sold.falls_back_to:
            case None:
                return None
            case "input":
                return self.input_price
            case "output":
                return self.output_price
            case "cache_read":
                return self.applied_cache_read_price

    def is_priced(self) -> bool:
        """Return whether any price is set."""
        return bool(self.unit_prices) or any(price is not None for price in self.prices)

    @model_validator(mode="after")
    def _one_price_at_least(self) -> Self:
        if not self.is_priced():
            raise ValueError("at least one price must be set (0 declares a model free)")
        return self


class Tier(Rates):
    """Prices for the whole request, output included, if its total input exceeds a number of tokens.

    A price that a tier does not set is unknown in that tier. It does not fall back to a lower tier.
    """

    above_input_tokens: Annotated[int, Field(ge=1, le=MAX_THRESHOLD_TOKENS)]


def _ascending(tiers: Sequence[Tier]) -> Sequence[Tier]:
    thresholds = [tier.above_input_tokens for tier in tiers]
    if thresholds != sorted(set(thresholds)):
        raise ValueError("must ascend strictly by above_input_tokens")
    return tiers


Tiers = Annotated[list[Tier], Field(max_length=MAX_TIERS), AfterValidator(_ascending)]
"""Tiers in the order of their thresholds."""


class Terms(Rates):
    """Prices of a request, with tiers for larger ones. The highest tier that its input exceeds
    prices all of it.
    """

    # A factory: pydantic deep-copies a default for each of the thousands of entries of a book.
    tiers: Tiers = Field(default_factory=list[Tier])

    @override
    def is_priced(self) -> bool:
        return super().is_priced() or bool(self.tiers)


class PriceTerms(Terms):
    """All terms of a model. An absent variant has no price; it does not fall back to the standard
    price.
    """

    variants: dict[Variant, Terms] = Field(default_factory=dict[Variant, Terms])

    def of_variant(self, name: str | None) -> Terms | None:
        """Return the terms of a kind of processing: None if it has no price."""
        return self if name is None else cast("dict[str, Terms]", self.variants).get(name)

    @override
    def is_priced(self) -> bool:
        return super().is_priced() or bool(self.variants)


class HasTerms(Protocol):
    """A model with the fields of PriceTerms."""

    unit_prices: dict[OtherUnit, int]
    tiers: list[Tier]

    def model_copy(self, *, update: dict[str, Any]) -> Self: ...


def on_another_platform[T: HasTerms](stated: T) -> T:
    """Return what a platform charges that sells the model at its maker's price: the prices of
    tokens, without those of tools and of other kinds of processing.
    """
    tiers = [
        each.model_copy(update={"unit_prices": _without_tools(each.unit_prices)})
        for each in stated.tiers
    ]
    return stated.model_copy(
        update={"unit_prices": _without_tools(stated.unit_prices), "tiers": tiers, "variants": {}}
    )


def _without_tools(prices: dict[OtherUnit, int]) -> dict[OtherUnit, int]:
    return {unit: price for unit, price in prices.items() if unit not in TOOLS}
