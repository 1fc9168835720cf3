"""What a usage costs. Pure, and exact: whole numbers all the way, rounded once, half-even, to micro-units of USD.

tokens x price is a whole number of micro-units per million, so the only division is that by a million at the end.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Literal

from allowance.errors import Problem, UsageOutOfRange
from allowance.terms import PriceTerms, Rates, Terms, Variant

MAX_TOKENS = 1_000_000_000_000
MAX_COST_MICROS = 10_000_000_000_000
TOKENS_PER_PRICE = 1_000_000

TokenClass = Literal["input", "output", "cache_read", "cache_write", "cache_write_1h"]

# A product of two numbers up to 1e12 has 25 digits at most; whatever the caller's own context, none is lost.
EXACT = Context(prec=28, traps=[Inexact, InvalidOperation])


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of one request in disjoint classes: `input` is not cached, `output` includes reasoning.

    `cache_write` are cache entries kept five minutes, `cache_write_1h` those kept one hour. Raises UsageOutOfRange,
    with a problem for each class that is not a whole number from 0 to 1e12.
    """

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0

    def __post_init__(self) -> None:
        problems = [
            Problem(f"tokens.{name}", f"Must be a whole number from 0 to {MAX_TOKENS}.")
            for name, count in self.by_class().items()
            if type(count) is not int or not 0 <= count <= MAX_TOKENS
        ]
        if problems:
            raise UsageOutOfRange(problems)

    def by_class(self) -> dict[TokenClass, int]:
        """The counts by the name of their class."""
        return {
            "input": self.input,
            "output": self.output,
            "cache_read": self.cache_read,
            "cache_write": self.cache_write,
            "cache_write_1h": self.cache_write_1h,
        }

    @property
    def total_input(self) -> int:
        """What context tiers are decided by: everything that went in, cached or not."""
        return self.input + self.cache_read + self.cache_write + self.cache_write_1h


@dataclass(frozen=True, slots=True)
class Cost:
    """What a usage costs, in micro-units of USD: rounded once, of exact parts by class of token (only those used).

    `tier` is the threshold of the context tier that priced the request, None where it was the base.
    """

    micros: int
    parts: Mapping[TokenClass, Decimal]
    tier: int | None


def cost_of(tokens: Tokens, terms: PriceTerms, variant: Variant | None = None) -> Cost | None:
    """The cost of one request, or None where it has no price: for a class that it used, or for the variant at all.

    No price stands in for another: not that of another class, of the base for a tier, nor of standard processing for
    a variant. Raises UsageOutOfRange above 1e13 micro-units.
    """
    stated = terms if variant is None else terms.variants.get(variant)
    if stated is None:
        return None
    rates, tier = _rates_for(tokens.total_input, stated)
    per_million: dict[TokenClass, int] = {}
    for name, count in tokens.by_class().items():
        if count == 0:
            continue
        price: int | None = getattr(rates, f"{name}_price")
        if price is None:
            return None
        per_million[name] = count * price
    micros = _half_even(sum(per_million.values()))
    if micros > MAX_COST_MICROS:
        raise UsageOutOfRange([Problem("tokens", f"Must not cost more than {MAX_COST_MICROS} micro-units of USD.")])
    return Cost(micros, {name: Decimal(part).scaleb(-6, EXACT) for name, part in per_million.items()}, tier)


def _rates_for(total_input: int, terms: Terms) -> tuple[Rates, int | None]:
    passed = [tier for tier in terms.tiers if total_input > tier.above_input_tokens]
    return (passed[-1], passed[-1].above_input_tokens) if passed else (terms, None)


def _half_even(per_million: int) -> int:
    micros, rest = divmod(per_million, TOKENS_PER_PRICE)
    half = TOKENS_PER_PRICE // 2
    return micros + (rest > half or (rest == half and micros % 2 == 1))
