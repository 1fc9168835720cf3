"""What a usage costs. Pure, and exact: whole numbers all the way, rounded once, half-even, to
micro-units of USD.

tokens x price is a whole number of micro-units per million, so the only division is that by a
million at the end.
"""

from collections.abc import Mapping
from decimal import Context, Decimal, Inexact, InvalidOperation
from math import sumprod
from typing import Literal, NamedTuple, Self, get_args

from allowance.errors import Problem, UsageOutOfRange
from allowance.prices.terms import PriceTerms, Rates, Terms, Variant

MAX_TOKENS = 1_000_000_000_000
MAX_COST_MICROS = 10_000_000_000_000
TOKENS_PER_PRICE = 1_000_000

TokenClass = Literal["input", "output", "cache_read", "cache_write", "cache_write_1h"]
TOKEN_CLASSES: tuple[TokenClass, ...] = get_args(TokenClass)

# A product of two numbers up to 1e12 has 25 digits at most; whatever the caller's own context, none
# is lost.
EXACT = Context(prec=28, traps=[Inexact, InvalidOperation])


class _Counts(NamedTuple):
    input: int
    output: int
    cache_read: int
    cache_write: int
    cache_write_1h: int


class Tokens(_Counts):
    """The tokens of one request in disjoint classes: `input` is not cached, `output` includes
    reasoning.

    `cache_write` are cache entries kept five minutes, `cache_write_1h` those kept one hour. Raises
    UsageOutOfRange, with a problem for each class that is not a whole number from 0 to 1e12.
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
        # Spelled out, since there are a thousand of these in a batch.
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
        """The counts by the name of their class."""
        return dict(zip(TOKEN_CLASSES, self, strict=True))

    @property
    def total_input(self) -> int:
        """What context tiers are decided by: everything that went in, cached or not."""
        return self.input + self.cache_read + self.cache_write + self.cache_write_1h


class Cost(NamedTuple):
    """What a usage costs, in micro-units of USD, rounded once.

    `rates` are the prices that were applied; `tier` is the threshold of the context tier that they
    are of, None where it was the base.
    """

    micros: int
    tokens: Tokens
    rates: Rates
    tier: int | None

    @property
    def parts(self) -> Mapping[TokenClass, Decimal]:
        """The exact micro-units of USD of each class that was used; the sum is what was rounded."""
        used = zip(TOKEN_CLASSES, self.tokens, self.rates.prices, strict=True)
        return {
            name: Decimal(count * (price or 0)).scaleb(-6, EXACT)
            for name, count, price in used
            if count
        }


def cost_of(tokens: Tokens, terms: PriceTerms, variant: Variant | None = None) -> Cost | None:
    """The cost of one request, or None where it has no price: for a class that it used, or for the
    variant at all.

    No price stands in for another: not that of another class, of the base for a tier, nor of
    standard processing for a variant. Raises UsageOutOfRange above 1e13 micro-units.
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
