"""One source's statement about one model: exact, unrounded US dollars per one million tokens or
units.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation

from allowance.prices.terms import MAX_PRICE_MICROS, RATES
from local.price_book import PriceBookRefused

type Key = tuple[str, str]
"""Provider and model, by price book name."""

type Usd = Mapping[str, Decimal | None]
"""A price for each name in RATES, and for known units: `unit_prices.pages`. None is unknown, 0 is
free.
"""

UNIT_PREFIX = "unit_prices."

# Moving the decimal point is exact at this precision, and raises otherwise.
EXACT = Context(prec=1000, traps=[Inexact, InvalidOperation])
FINE = Context(prec=28)
"""For a price of an hour in milliseconds, which can have endless digits."""

MAX_ADJUSTED = 6
"""The power of ten of the highest price, a million dollars."""

FREE_SUFFIX = ":free"
"""The suffix of a free variant in the ids of OpenRouter and similar lists."""

FREE: Usd = dict.fromkeys(RATES[:4], Decimal(0))


@dataclass(frozen=True)
class Statement:
    """The prices of a request, of larger requests by the input tokens to exceed, and by kind of
    processing.
    """

    usd: Usd
    tiers: Mapping[int, Usd] = field(default_factory=dict[int, Usd])
    variants: Mapping[str, "Statement"] = field(default_factory=dict[str, "Statement"])

    @property
    def is_priced(self) -> bool:
        """Return whether any price is known."""
        return any(
            price is not None for usd in (self.usd, *self.tiers.values()) for price in usd.values()
        ) or any(variant.is_priced for variant in self.variants.values())

    @property
    def is_sold_in_text(self) -> bool:
        """Return whether any class of text has a price."""
        return any(
            usd.get(name) is not None for usd in (self.usd, *self.tiers.values()) for name in RATES
        )

    @property
    def is_free(self) -> bool:
        """Return whether every known price is 0."""
        return not any(price for usd in (self.usd, *self.tiers.values()) for price in usd.values())

    def is_part_of(self, other: "Statement") -> bool:
        """Return whether another statement has each of these prices, in the same tiers."""
        return (
            _has_all(self.usd, other.usd)
            and self.tiers.keys() == other.tiers.keys()
            and all(_has_all(usd, other.tiers[above]) for above, usd in self.tiers.items())
            and all(
                name in other.variants and each.is_part_of(other.variants[name])
                for name, each in self.variants.items()
            )
        )

    def prices(self) -> Iterator[tuple[str, Decimal | None]]:
        """Yield every price with its path: `input_price`, `tiers[200000].output_price`."""
        yield from self.usd.items()
        for threshold, usd in self.tiers.items():
            yield from ((f"tiers[{threshold}].{name}", price) for name, price in usd.items())


def _has_all(usd: Usd, other: Usd) -> bool:
    return all(other.get(name) == price for name, price in usd.items() if price is not None)


type Timeline = list[tuple[date | None, Statement]]
"""The first statement (None: always in force), then each later change with the UTC day of its
start.
"""


def place_in_force(timeline: Timeline, on: date) -> int | None:
    """Return the index of the statement in force on a day; None if the first one is to come."""
    begun = [place for place, (day, _) in enumerate(timeline) if day is None or day <= on]
    return begun[-1] if begun else None


def text_in_force(timeline: Timeline, on: date) -> int | None:
    """Return the index of the statement in force on a day; None if it has no price of text.

    Of a model sold by the page, hour or character, the other sources have that price in place of a
    token's, so they cannot be compared.
    """
    place = place_in_force(timeline, on)
    return place if place is not None and timeline[place][1].is_sold_in_text else None


def micros(where: str, usd: Decimal | None) -> Decimal | None:
    """Return exact micro-units per 1M tokens; None for None. Raise PriceBookRefused unless the
    result is a number from 0 to 1e12.
    """
    if usd is None:
        return None
    is_decimal = isinstance(usd, Decimal)  # pyright: ignore[reportUnnecessaryIsInstance]
    if not is_decimal or not usd.is_finite():
        raise PriceBookRefused(f"{where}: {usd!r} is not a decimal number")
    try:
        # Check the size first: the exact value of a huge exponent would fill the memory.
        if (
            usd >= 0
            and usd.adjusted() <= MAX_ADJUSTED
            and (exact := usd.scaleb(6, EXACT)) <= MAX_PRICE_MICROS
        ):
            return exact
    except DecimalException as error:
        raise PriceBookRefused(f"{where}: a number of more than {EXACT.prec} digits") from error
    raise PriceBookRefused(f"{where}: {usd} USD per 1M tokens is negative or absurd")


def named(provider: str, model: str) -> Key:
    """Return both names. Raise PriceBookRefused unless both are printable, not empty and not
    padded.
    """
    for part in (provider, model):
        if not part or part != part.strip() or not part.isprintable():
            raise PriceBookRefused(
                f"{provider!r}/{model!r}: a name is empty, padded or unprintable"
            )
    return provider, model
