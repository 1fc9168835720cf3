"""What one source states about one model: exact US dollars per one million tokens, as the source
has them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation

from allowance.prices.terms import MAX_PRICE_MICROS, RATES
from local.price_book import PriceBookRefused

type Key = tuple[str, str]
"""Provider and model, as the price book has them."""

type Usd = Mapping[str, Decimal | None]
"""A price for each name in RATES; None is unknown, 0 is free."""

# Moving the decimal point is exact at this precision, and raises where it is not.
EXACT = Context(prec=1000, traps=[Inexact, InvalidOperation])

MAX_ADJUSTED = 6
"""The power of ten of the highest price, a million dollars."""

FREE_SUFFIX = ":free"
"""What marks a free variant, in OpenRouter's ids and those of the other lists of the kind."""

FREE: Usd = dict.fromkeys(RATES[:4], Decimal(0))


@dataclass(frozen=True)
class Statement:
    """The prices of a request, of larger ones by the input tokens they must pass, and by kind of
    processing.
    """

    usd: Usd
    tiers: Mapping[int, Usd] = field(default_factory=dict[int, Usd])
    variants: Mapping[str, "Statement"] = field(default_factory=dict[str, "Statement"])

    @property
    def is_priced(self) -> bool:
        """Whether any price is known."""
        return any(
            price is not None for usd in (self.usd, *self.tiers.values()) for price in usd.values()
        ) or any(variant.is_priced for variant in self.variants.values())

    @property
    def is_free(self) -> bool:
        """Whether every price that is known is 0."""
        return not any(price for usd in (self.usd, *self.tiers.values()) for price in usd.values())

    def prices(self) -> Iterator[tuple[str, Decimal | None]]:
        """Every price with its path: `input_price`, `tiers[200000].output_price`."""
        yield from self.usd.items()
        for threshold, usd in self.tiers.items():
            yield from ((f"tiers[{threshold}].{name}", price) for name, price in usd.items())


type Timeline = list[tuple[date | None, Statement]]
"""What is in force on the book's date (None), then each later change with the UTC day on which it
begins.
"""


def micros(where: str, usd: Decimal | None) -> Decimal | None:
    """Micro-units per 1M tokens, exactly. Raises PriceBookRefused unless it is a number from 0 to
    1e12.
    """
    if usd is None:
        return None
    if not isinstance(usd, Decimal) or not usd.is_finite():  # pyright: ignore[reportUnnecessaryIsInstance]
        raise PriceBookRefused(f"{where}: {usd!r} is not a decimal number")
    try:
        # By size first: of a price with a huge exponent, the exact value would fill the memory.
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
    """Both names, if they are fit to be seen in a list. Raises PriceBookRefused."""
    for part in (provider, model):
        if not part or part != part.strip() or not part.isprintable():
            raise PriceBookRefused(
                f"{provider!r}/{model!r}: a name is empty, padded or unprintable"
            )
    return provider, model
