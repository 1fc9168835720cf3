"""The cost of a usage. Pure and exact: integers of 1e-12 US dollars (pico-dollars).

Tokens x price, in micro-units of US dollars per million tokens, is a whole number of them. Other
units may be sold by the thousand or by the hour: their cost is rounded half-even, once, to the
pico-dollar.
"""

from collections.abc import Mapping
from math import sumprod
from types import MappingProxyType
from typing import NamedTuple, Self, get_args

from allowance.errors import Problem, UsageOutOfRange
from allowance.prices.terms import PriceTerms, Rates, Terms, Variant
from allowance.prices.units import OTHER_UNITS, OtherUnit, OtherUnits, Quantity, TokenClass

MAX_TOKENS = 1_000_000_000_000
MAX_COST_MICROS = 10_000_000_000_000
PICOS_PER_MICRO = 1_000_000
MAX_COST_PICOS = MAX_COST_MICROS * PICOS_PER_MICRO

TOKEN_CLASSES: tuple[TokenClass, ...] = get_args(TokenClass)

NONE: OtherUnits = MappingProxyType({})
INPUT_CLASSES: tuple[OtherUnit, ...] = (
    "input_audio",
    "input_image",
    "input_video",
    "cache_read_audio",
    "cache_read_image",
    "cache_read_video",
)
"""Tokens of input with a unit of their own: context tiers depend on all input."""


class _Counts(NamedTuple):
    input: int
    output: int
    cache_read: int
    cache_write: int
    cache_write_1h: int


class Tokens(_Counts):
    """The tokens of one request in disjoint classes: `input` is uncached, `output` includes
    reasoning.

    `cache_write` counts cache entries kept five minutes, `cache_write_1h` those kept one hour.
    Raise UsageOutOfRange with a problem for each class that is not a whole number from 0 to 1e12.
    """

    __slots__ = ()

    def __new__(
        cls,
        input: int = 0,  # noqa: A002
        output: int = 0,
        cache_read: int = 0,
        cache_write: int = 0,
        cache_write_1h: int = 0,
    ) -> Self:
        tokens = super().__new__(cls, input, output, cache_read, cache_write, cache_write_1h)
        # One expression without a loop, for speed: a batch has a thousand of these.
        if (
            type(input)
            is type(output)
            is type(cache_read)
            is type(cache_write)
            is type(cache_write_1h)
            is int
            and 0 <= input <= MAX_TOKENS
            and 0 <= output <= MAX_TOKENS
            and 0 <= cache_read <= MAX_TOKENS
            and 0 <= cache_write <= MAX_TOKENS
            and 0 <= cache_write_1h <= MAX_TOKENS
        ):
            return tokens
        raise UsageOutOfRange(
            Problem(f"tokens.{name}", f"Must be a whole number from 0 to {MAX_TOKENS}.")
            for name, count in tokens.by_class().items()
            if type(count) is not int or not 0 <= count <= MAX_TOKENS
        )

    def by_class(self) -> dict[TokenClass, int]:
        """Return the counts by class name."""
        return dict(zip(TOKEN_CLASSES, self, strict=True))

    @property
    def total_input(self) -> int:
        """Return all input tokens, cached or not: context tiers depend on this sum."""
        return self.input + self.cache_read + self.cache_write + self.cache_write_1h


class Cost(NamedTuple):
    """The exact cost of a usage in pico-dollars.

    `rates` are the applied prices; `tier` is the threshold of their context tier, None for the
    base.
    """

    picos: int
    rates: Rates
    tier: int | None


def cost_of(
    tokens: Tokens,
    terms: PriceTerms,
    variant: Variant | None = None,
    others: OtherUnits = NONE,
    requests: int = 1,
) -> Cost | None:
    """Return the cost of a usage, or None if the variant or a class that is used has no price.

    Several requests are priced without tiers, since a tier depends on each one's input. No price
    replaces another, but where `allowance.prices.units` names a class to fall back to. Raise
    UsageOutOfRange above 1e13 micro-units.
    """
    stated = terms if variant is None else terms.variants.get(variant)
    if stated is None:
        return None
    in_tiers = stated.tiers and requests == 1
    rates, tier = _rates_for(tokens, others, stated) if in_tiers else (stated, None)
    prices, unknown = rates.amounts
    for place in unknown:
        if tokens[place]:
            return None
    picos = int(sumprod(tokens, prices))
    if others or rates.unit_prices:
        of_others = _picos_of_others(others, rates, requests)
        if of_others is None:
            return None
        picos += of_others
    if picos > MAX_COST_PICOS:
        raise UsageOutOfRange(
            [Problem("tokens", f"Must not cost more than {MAX_COST_MICROS} micro-units of USD.")]
        )
    return Cost(picos, rates, tier)


def parts_of(
    tokens: Tokens, rates: Rates, others: OtherUnits = NONE, requests: int = 1
) -> Mapping[TokenClass | OtherUnit, int]:
    """Return the exact pico-dollars of each class that is used. All of them have a price."""
    prices, _ = rates.amounts
    parts: dict[TokenClass | OtherUnit, int] = {
        name: count * price
        for name, count, price in zip(TOKEN_CLASSES, tokens, prices, strict=True)
        if count
    }
    for unit, quantity in _charged(others, rates, requests).items():
        parts[unit] = _picos_of(unit, quantity, rates.unit_price(unit) or 0)
    return parts


def _charged(others: OtherUnits, rates: Rates, requests: int) -> OtherUnits:
    """Return the other units to charge: where a model is sold by the request, that is one."""
    if "requests" in rates.unit_prices and "requests" not in others:
        return {**others, "requests": requests}
    return others


def _picos_of_others(others: OtherUnits, rates: Rates, requests: int) -> int | None:
    picos = 0
    for unit, quantity in _charged(others, rates, requests).items():
        price = rates.unit_price(unit)
        if price is None:
            return None
        picos += _picos_of(unit, quantity, price)
    return picos


def _picos_of(unit: OtherUnit, quantity: Quantity, price: int) -> int:
    """Return the cost of some units at a price for `per` of them, rounded half-even."""
    numerator, denominator = quantity.as_integer_ratio()
    return _half_even(numerator * price * PICOS_PER_MICRO, denominator * OTHER_UNITS[unit].per)


def _rates_for(tokens: Tokens, others: OtherUnits, terms: Terms) -> tuple[Rates, int | None]:
    total = tokens.total_input + sum(others.get(unit, 0) for unit in INPUT_CLASSES)
    passed = [tier for tier in terms.tiers if total > tier.above_input_tokens]
    return (passed[-1], passed[-1].above_input_tokens) if passed else (terms, None)


def _half_even(numerator: int, denominator: int) -> int:
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1))


def micros_of(picos: int) -> int:
    """Return whole micro-units of US dollars, rounded half-even, for an answer."""
    return _half_even(picos, PICOS_PER_MICRO)
