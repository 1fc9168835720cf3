"""The price book: what PyPI's `genai-prices` says a token costs, as functions/prices.json, for people to review.

`make price-book` writes it. Its content follows from uv.lock alone, so a test can tell that nobody edited it by hand.
"""

import datetime
import importlib.metadata
import json
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact, InvalidOperation
from pathlib import Path
from typing import Any, TypedDict

from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, ModelPrice, Provider, StartDateConstraint, TieredPrices

PACKAGE = "genai-prices"
ROOT = Path(__file__).resolve().parent.parent
LOCK_FILE = ROOT / "uv.lock"
BOOK_FILE = ROOT / "functions" / "prices.json"

PROVIDERS_RENAMED = {"aws": "bedrock", "github-copilot": "copilot"}
FIELDS = {
    "input_price": "input_mtok",
    "output_price": "output_mtok",
    "cache_read_price": "cache_read_mtok",
    "cache_write_price": "cache_write_mtok",
}
PRICE_CEILING_MICROS = 10**12
CHANGES_SHOWN = 20

# Moving the decimal point is exact at this precision, and raises where it is not.
EXACT = Context(prec=1000, traps=[Inexact, InvalidOperation])

FREE_BY_COMMENT = {
    "copilot": ("gpt-3.5-turbo", "gpt-4.1", "gpt-4o", "gpt-4o-mini"),
    "google": ("gemma-4-26b-a4b-it", "gemma-4-31b-it"),
}
"""Models that the package comments as free of charge, or as costing no tokens: it drops zeros itself."""

FREE_SUFFIX = ":free"  # what marks a free variant, in OpenRouter's ids and those of the other lists of the kind

NO_PRICE = "no price at all, and not known to be free"
OTHER_UNITS = "priced only by something other than these tokens (hours, pages, characters)"


class Price(TypedDict):
    provider: str
    model: str
    input_price: int | None
    output_price: int | None
    cache_read_price: int | None
    cache_write_price: int | None


class Rounding(TypedDict):
    provider: str
    model: str
    field: str
    exact: str
    rounded: int


class Book(TypedDict):
    source: str
    version: str
    date: str
    roundings: list[Rounding]
    prices: list[Price]


class PriceBookRefused(Exception):
    """The prices cannot be made into a book that may be trusted."""


def book(providers: Sequence[Provider], version: str, date: datetime.date) -> Book:
    """The token prices in force on a date, in micros of USD per 1M tokens; models without any are left out."""
    prices: dict[tuple[str, str], Price] = {}
    roundings: list[Rounding] = []
    for provider, model, stated in _stated_prices(providers, date):
        usd = usd_per_mtok(provider, model, stated)
        if all(price is None for price in usd.values()):
            continue
        if (provider, model) in prices:
            raise PriceBookRefused(f"{provider}/{model}: priced twice")
        exact = {field: _exact_micros(f"{provider}/{model} {field}", price) for field, price in usd.items()}
        rounded = {field: None if price is None else half_even(price) for field, price in exact.items()}
        prices[provider, model] = Price(
            provider=provider,
            model=model,
            input_price=rounded["input_price"],
            output_price=rounded["output_price"],
            cache_read_price=rounded["cache_read_price"],
            cache_write_price=rounded["cache_write_price"],
        )
        roundings += [
            Rounding(
                provider=provider,
                model=model,
                field=field,
                exact=f"{price.normalize(EXACT):f}",
                rounded=half_even(price),
            )
            for field, price in exact.items()
            if price is not None and price != half_even(price)
        ]
    return Book(
        source=PACKAGE,
        version=version,
        date=date.isoformat(),
        roundings=sorted(roundings, key=lambda row: (row["provider"], row["model"])),
        prices=[prices[key] for key in sorted(prices)],
    )


def left_out(providers: Sequence[Provider], date: datetime.date) -> Counter[str]:
    """How many models the book leaves out, by reason."""
    return Counter(
        OTHER_UNITS if any(value is not None for value in vars(stated).values()) else NO_PRICE
        for provider, model, stated in _stated_prices(providers, date)
        if all(price is None for price in usd_per_mtok(provider, model, stated).values())
    )


def price_in_force(model: ModelInfo, date: datetime.date) -> ModelPrice:
    """The price on that date that no time of day and no kind of request decides: the last one begun by then."""
    if isinstance(model.prices, ModelPrice):
        return model.prices
    begun = [
        conditional.prices
        for conditional in model.prices
        if conditional.constraint is None
        or (isinstance(conditional.constraint, StartDateConstraint) and conditional.constraint.start_date <= date)
    ]
    # Where none has begun, the first: the package itself charges by it when no condition is met.
    return (begun or [conditional.prices for conditional in model.prices[:1]] or [ModelPrice()])[-1]


def usd_per_mtok(provider: str, model: str, stated: ModelPrice) -> dict[str, Decimal | None]:
    """The four token prices; of prices in tiers the base one, which small requests pay. 0 where known to be free."""
    if all(value is None for value in vars(stated).values()) and (
        model.endswith(FREE_SUFFIX) or model in FREE_BY_COMMENT.get(provider, ())
    ):
        return dict.fromkeys(FIELDS, Decimal(0))
    # getattr, not vars(): the package answers None for a unit it knows and raises for one it has renamed.
    values: dict[str, Decimal | TieredPrices | None] = {field: getattr(stated, key) for field, key in FIELDS.items()}
    return {field: value.base if isinstance(value, TieredPrices) else value for field, value in values.items()}


def half_even(micros: Decimal) -> int:
    return int(micros.to_integral_value(ROUND_HALF_EVEN))


def render(made: Book) -> str:
    """One price a line, so that a diff reads as a list of prices."""
    lines = ["{", *(f'  "{key}": {json.dumps(made[key])},' for key in ("source", "version", "date"))]
    lines += [*_rows("roundings", made["roundings"]), "  ],", *_rows("prices", made["prices"]), "  ]", "}"]
    return "\n".join(lines) + "\n"


def released(lock: Mapping[str, Any], version: str) -> datetime.date:
    """The UTC day on which PyPI got the wheel of that version, as the lock has it."""
    locked = [package for package in lock["package"] if package["name"] == PACKAGE]
    times = [
        datetime.datetime.fromisoformat(wheel["upload-time"])
        for package in locked
        for wheel in package.get("wheels", [])
        if package["version"] == version and "upload-time" in wheel
    ]
    if not times:
        found = ", ".join(package["version"] for package in locked) or "nothing"
        raise PriceBookRefused(f"{PACKAGE} {version} is installed, but uv.lock has {found} (with an upload-time)")
    return min(times).astimezone(datetime.UTC).date()


def pinned() -> tuple[Sequence[Provider], str, datetime.date]:
    """What `book` takes, of the package that uv.lock pins."""
    version = importlib.metadata.version(PACKAGE)
    return get_snapshot().providers, version, released(tomllib.loads(LOCK_FILE.read_text()), version)


def changes(before: Sequence[Price], after: Sequence[Price]) -> tuple[list[str], list[str], list[str]]:
    """Models added, models removed, and prices changed, each in the words of a reviewer."""
    old, new = ({f"{row['provider']}/{row['model']}": row for row in rows} for rows in (before, after))
    changed = [
        f"{name} {field} {json.dumps(old[name][field])} -> {json.dumps(row[field])}"
        for name, row in new.items()
        if name in old
        for field in FIELDS
        if old[name][field] != row[field]
    ]
    return [name for name in new if name not in old], [name for name in old if name not in new], changed


def summary(made: Book, unpriced: Mapping[str, int], before: Sequence[Price]) -> str:
    written, rounded = len(made["prices"]), len(made["roundings"])
    lines = [
        f"{made['source']} {made['version']} of {made['date']}",
        f"models written {written}, left out {sum(unpriced.values())}; prices rounded {rounded}",
        *(f"  left out, {reason}: {count}" for reason, count in sorted(unpriced.items())),
    ]
    added, removed, changed = changes(before, made["prices"])
    lines += [f"models added {len(added)}, removed {len(removed)}; prices changed {len(changed)}"]
    lines += [f"  {change}" for change in changed[:CHANGES_SHOWN]]
    return "\n".join(lines + [f"  ... and {len(changed) - CHANGES_SHOWN} more"] * (len(changed) > CHANGES_SHOWN))


def main() -> None:
    providers, version, date = pinned()
    made = book(providers, version, date)
    before, after = BOOK_FILE.read_text() if BOOK_FILE.exists() else '{"prices": []}', render(made)
    if before != after:
        BOOK_FILE.write_text(after)
    print(summary(made, left_out(providers, date), json.loads(before)["prices"]))


def _stated_prices(providers: Sequence[Provider], date: datetime.date) -> Iterator[tuple[str, str, ModelPrice]]:
    for provider in providers:
        name = PROVIDERS_RENAMED.get(provider.id, provider.id)
        for model in provider.models:
            for part in (name, model.id):
                if not part or part != part.strip() or not part.isprintable():
                    raise PriceBookRefused(f"{name!r}/{model.id!r}: a name is empty, padded or unprintable")
            yield name, model.id, price_in_force(model, date)


def _exact_micros(where: str, usd: Decimal | None) -> Decimal | None:
    if usd is None:
        return None
    if not isinstance(usd, Decimal) or not usd.is_finite():  # pyright: ignore[reportUnnecessaryIsInstance]
        raise PriceBookRefused(f"{where}: {usd!r} is not a decimal number")
    micros = usd.scaleb(6, EXACT)
    if not 0 <= micros <= PRICE_CEILING_MICROS:
        raise PriceBookRefused(f"{where}: {usd} USD per 1M tokens is negative or absurd")
    return micros


def _rows(key: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [f"    {json.dumps(row)}" for row in rows]
    return [f'  "{key}": [', *(f"{line}," for line in lines[:-1]), *lines[-1:]]


if __name__ == "__main__":
    try:
        main()
    except PriceBookRefused as refused:
        sys.exit(f"price-book: {refused}")
