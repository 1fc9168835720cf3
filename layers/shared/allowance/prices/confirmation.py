"""Custom prices that are far from the book's, which an owner must confirm: dollars typed as
micro-units of dollars, above all. Pure.
"""

from collections.abc import Iterator
from typing import NamedTuple

from allowance.errors import Problem
from allowance.prices.custom_models import PriceBelow
from allowance.prices.named_terms import NamedPrices
from allowance.prices.seeding.plausibility import THRESHOLDS
from allowance.prices.seeding.unit_limits import UNIT_LIMITS
from allowance.prices.terms import RATES, PriceTerms, Rates, Terms

FACTOR = 10
"""A custom price may be this many times the book's, or the book's this many times the custom one.
"""

TOKENS = "tokens"
UNITS = "unit_prices"


class Stated(NamedTuple):
    """A price that an entry states, its path in the entry, what it is for, and the book's price;
    None if the book has none.
    """

    path: str
    micros: int
    sold: str
    in_book: int | None

    @property
    def why(self) -> str | None:
        """Return why the price must be confirmed, or None."""
        if self.in_book is None:
            lowest, highest = UNIT_LIMITS.get(self.sold, (THRESHOLDS.lowest, THRESHOLDS.highest))
            if self.micros == 0 or lowest <= self.micros <= highest:
                return None
            bound, side = (lowest, "below") if self.micros < lowest else (highest, "above")
            return f"the price book has none, and this is {side} {dollars(bound)}"
        if self.micros <= FACTOR * self.in_book and self.in_book <= FACTOR * self.micros:
            return None
        return f"the price book has {dollars(self.in_book)}"


def far_prices(
    place: int, entry: NamedPrices, below: PriceBelow, how_to_confirm: str
) -> Iterator[Problem]:
    """Yield a problem for each price of an entry that must be confirmed. Of a free model, those
    that it does not name come if no other does.
    """
    row = f" for {below.provider}/{below.model}" if below.terms is not None else ""
    named = [each for each in _stated(entry, below.terms) if each.why is not None]
    for each in named or _stated(_in_book(entry.whole, below.terms), below.terms):
        if (why := each.why) is not None:
            yield Problem(
                f"prices[{place}].{each.path}",
                f"Means {dollars(each.micros)} per million {each.sold}, but {why}{row}."
                f" Prices are in micro-units: 2000000 is $2.00. {how_to_confirm} if it is right.",
            )


def dollars(micros: int) -> str:
    """Return `$2.00`, with as many decimals more as the price has."""
    whole, rest = divmod(micros, 1_000_000)
    decimals = f"{rest:06}".rstrip("0")
    return f"${whole:,}.{decimals:0<2}"


def _stated(entry: NamedPrices, below: PriceTerms | None) -> Iterator[Stated]:
    stated = entry.stated
    yield from _of_terms("", stated, below)
    for name, terms in stated.variants.items():
        in_book = below and below.variants.get(name, below)
        yield from _of_terms(f"variants.{name}.", terms, in_book)


def _in_book(whole: NamedPrices, below: PriceTerms | None) -> NamedPrices:
    """Return the entry without the variants that the book does not have."""
    names = below.variants.keys() if below else ()
    kept = {name: terms for name, terms in whole.variants.items() if name in names}
    return whole.model_copy(update={"variants": kept})


def _of_terms(prefix: str, terms: Terms, below: Terms | None) -> Iterator[Stated]:
    yield from _of_rates(prefix, terms, below)
    for n, tier in enumerate(terms.tiers):
        size = tier.above_input_tokens
        lower = [each for each in below.tiers if each.above_input_tokens <= size] if below else ()
        yield from _of_rates(f"{prefix}tiers[{n}].", tier, lower[-1] if lower else below)


def _of_rates(prefix: str, rates: Rates, below: Rates | None) -> Iterator[Stated]:
    for name in RATES:
        if (micros := getattr(rates, name)) is not None:
            yield Stated(f"{prefix}{name}", micros, TOKENS, below and getattr(below, name))
    for unit, micros in rates.unit_prices.items():
        in_book = None if below is None else below.unit_prices.get(unit)
        yield Stated(f"{prefix}{UNITS}.{unit}", micros, unit, in_book)
