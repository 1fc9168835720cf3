"""The cost of a usage. Pure and exact: integers, rounded once, half-even, to micro-units of USD.

tokens x price is a whole number of micro-units per million. The only division, by a million, comes
last.
"""

from collections.abc import Mapping
from decimal import Context, Decimal, Inexact, InvalidOperation
from math import sumprod
from typing import NamedTuple, Self, get_args

from allowance.errors import Problem, UsageOutOfRange
from allowance.prices.terms import PriceTerms, Rates, Terms, Variant
from allowance.prices.units import TokenClass

MAX_TOKENS = 1_000_000_000_000
MAX_COST_MICROS = 10_000_000_000_000
TOKENS_PER_PRICE = 1_000_000

TOKEN_CLASSES: tuple[TokenClass, ...] = get_args(TokenClass)

# A product of two numbers up to 1e12 has at most 25 digits. This context keeps all of them,
# whatever the caller's context.
EXACT = Context(prec=28, traps=[Inexact, InvalidOperation])


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
    """The cost of a usage in micro-units of USD, rounded once.

    `rates` are the applied prices; `tier` is the threshold of their context tier, None for the
    base.
    """

    micros: int
    tokens: Tokens
    rates: Rates
    tier: int | None

    @property
    def parts(self) -> Mapping[TokenClass, Decimal]:
        """Return the exact micro-units of USD of each class with tokens. `micros` is their rounded
        sum.
        """
        prices, _ = self.rates.amounts
        used = zip(TOKEN_CLASSES, self.tokens, prices, strict=True)
        return {
            name: Decimal(count * price).scaleb(-6, EXACT) for name, count, price in used if count
        }


def cost_of(tokens: Tokens, terms: PriceTerms, variant: Variant | None = None) -> Cost | None:
    """Return the cost of one request, or None if the variant or a class with tokens has no price.

    No price replaces another: not another class's, not the base's for a tier, not the standard
    price for a variant. Raise UsageOutOfRange above 1e13 micro-units.
    """
    stated = terms if variant is None else terms.variants.get(variant)
    if stated is None:
        return None
    rates, tier = _rates_for(tokens, stated) if stated.tiers else (stated, None)
    prices, unknown = rates.amounts
    for place in unknown:
        if tokens[place]:
            return None
    micros = _half_even(int(sumprod(tokens, prices)))
    if micros > MAX_COST_MICROS:
        raise UsageOutOfRange(
            [Problem("tokens", f"Must not cost more than {MAX_COST_MICROS} micro-units of USD.")]
        )
    return Cost(micros, tokens, rates, tier)


def _rates_for(tokens: Tokens, terms: Terms) -> tuple[Rates, int | None]:
    passed = [tier for tier in terms.tiers if tokens.total_input > tier.above_input_tokens]
    return (passed[-1], passed[-1].above_input_tokens) if passed else (terms, None)


def _half_even(per_million: int) -> int:
    micros, rest = divmod(per_million, TOKENS_PER_PRICE)
    half = TOKENS_PER_PRICE // 2
    return micros + (rest > half or (rest == half and micros % 2 == 1))
