"""The cost of a usage. Pure and exact: count x price is a whole number of picos, 1e-12 USD, so
nothing is divided and nothing rounded.
"""

from math import sumprod
from typing import Literal, NamedTuple, Self, get_args

from allowance.errors import Problem, UsageOutOfRange
from allowance.prices.terms import PriceTerms, Rates, Terms
from allowance.prices.units import NO_OTHERS, OTHER_UNITS, OtherUnit, OtherUnits, TokenClass

MAX_TOKENS = 1_000_000_000_000
MAX_COST_MICROS = 10_000_000_000_000
PICOS_PER_MICRO = 1_000_000
MAX_COST_PICOS = MAX_COST_MICROS * PICOS_PER_MICRO

type Unpriced = TokenClass | OtherUnit | Literal["variant"]
"""What has no price in the terms of a model that has some."""

TOKEN_CLASSES: tuple[TokenClass, ...] = get_args(TokenClass)


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
        """Return all input tokens of text, cached or not. Context tiers depend on the input."""
        return self.input + self.cache_read + self.cache_write + self.cache_write_1h


class Cost(NamedTuple):
    """The exact cost of a usage in picos: 1e-12 USD.

    `rates` are the applied prices; `tier` is the threshold of their context tier, None for the
    base.
    """

    picos: int
    tokens: Tokens
    others: OtherUnits
    rates: Rates
    tier: int | None

    @property
    def micros(self) -> int:
        """Return whole micro-units of USD, rounded once, half-even."""
        return half_even_micros(self.picos)


def half_even_micros(picos: int) -> int:
    """Return whole micro-units of USD, rounded half-even."""
    micros, rest = divmod(picos, PICOS_PER_MICRO)
    half = PICOS_PER_MICRO // 2
    return micros + (rest > half or (rest == half and micros % 2 == 1))


def cost_of(
    tokens: Tokens,
    terms: PriceTerms,
    variant: str | None = None,
    others: OtherUnits = NO_OTHERS,
    requests: int = 1,
) -> Cost | None:
    """Return the cost of one request, or of an aggregate of `requests`. None if the variant, or a
    class or unit of the usage, has no price.

    No price replaces another, but where a class or unit is sold as another one. An aggregate has
    the base's prices: tiers depend on the size of each request. A price per request counts each
    request, stated or not. Raise UsageOutOfRange above 1e13 micro-units.
    """
    stated = terms.of_variant(variant)
    if stated is None:
        return None
    rates, tier = _rates_for(tokens, others, requests, stated) if stated.tiers else (stated, None)
    prices, unknown, fee = rates.amounts
    for place in unknown:
        if tokens[place]:
            return None
    picos = int(sumprod(tokens, prices))
    if fee or others:
        amount = _amount(rates, others, requests, fee)
        if amount is None:
            return None
        picos += amount
    if picos > MAX_COST_PICOS:
        raise UsageOutOfRange(
            [
                Problem(
                    "units" if others else "tokens",
                    f"Must not cost more than {MAX_COST_MICROS} micro-units of USD.",
                )
            ]
        )
    return Cost(picos, tokens, others, rates, tier)


class FlatPrices(NamedTuple):
    """The prices of text tokens, with 0 for unknown ones, and the indexes of the unknown ones."""

    prices: tuple[int, ...]
    unknown: tuple[int, ...]

    def picos(self, tokens: Tokens) -> int | None:
        """Return what `cost_of` returns for text tokens alone, in a third of the time. None: only
        `cost_of` can tell, because a price is unknown or the cost is out of range.
        """
        for place in self.unknown:
            if tokens[place]:
                return None
        picos = int(sumprod(tokens, self.prices))
        return picos if picos <= MAX_COST_PICOS else None


def flat_prices(terms: PriceTerms) -> FlatPrices | None:
    """Return the prices that apply without a variant. None: there are tiers, or a price per
    request.
    """
    prices, unknown, fee = terms.amounts
    return None if terms.tiers or fee else FlatPrices(prices, unknown)


def unpriced_in(
    tokens: Tokens, terms: PriceTerms, variant: str | None, others: OtherUnits, requests: int
) -> tuple[Unpriced, ...]:
    """Return the classes and units of a usage without a price, or its variant if that has none."""
    stated = terms.of_variant(variant)
    if stated is None:
        return ("variant",)
    rates, _ = _rates_for(tokens, others, requests, stated)
    _, unknown, _ = rates.amounts
    return (
        *(TOKEN_CLASSES[place] for place in unknown if tokens[place]),
        *(unit for unit, count in others.items() if count and rates.price_of(unit) is None),
    )


def _amount(rates: Rates, others: OtherUnits, requests: int, fee: int) -> int | None:
    """Return the picos of the other units and of all requests, None if one has no price."""
    picos = fee * max(requests, others.get("requests", 0))
    for unit, count in others.items():
        if count:
            price = rates.price_of(unit)
            if price is None:
                return None
            picos += count * price if unit != "requests" else 0
    return picos


def _input_of(others: OtherUnits) -> int:
    return sum(count for unit, count in others.items() if OTHER_UNITS[unit].tokens_of == "input")


def _rates_for(
    tokens: Tokens, others: OtherUnits, requests: int, terms: Terms
) -> tuple[Rates, int | None]:
    if requests > 1:
        return terms, None
    total_input = tokens.total_input + _input_of(others)
    passed = [tier for tier in terms.tiers if total_input > tier.above_input_tokens]
    return (passed[-1], passed[-1].above_input_tokens) if passed else (terms, None)
