"""The statements of the committed book that `genai_prices` makes too, each with its time."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from itertools import zip_longest
from typing import Any, NamedTuple

from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, ModelPrice, Provider, TimeOfDateConstraint

from allowance.prices.terms import PriceTerms, Terms, Variant
from allowance.prices.units import OtherUnit
from local.price_book.genai import FIELDS, PROVIDERS, VARIANTS, GenaiPrices
from local.price_book.genai_units import OTHERS
from local.price_book.merge import TOOLS, maker_of
from tests.committed_book import COMMITTED

CLASSES = ("input", "output", "cache_read", "cache_write", "cache_write_1h")
ON = datetime.fromisoformat(COMMITTED["date"]).replace(tzinfo=UTC)
CONTEXTS: Mapping[str | None, dict[str, str] | None] = {None: None} | {
    # Vendors name fast processing differently; each model has one of the names.
    ours: {name: value for (name, value), each in VARIANTS.items() if each == ours}
    for ours in VARIANTS.values()
}


class Shared(NamedTuple):
    """A statement of the book that the package also makes: terms, for what kind of request, and at
    which time.
    """

    provider: Provider
    model: ModelInfo
    at: datetime
    variant: Variant | None
    terms: PriceTerms
    rounded: bool
    is_of_maker: bool
    """Whether the package states the price of the maker, which a platform charges too."""


def entries() -> list[dict[str, Any]]:
    return [
        row for row in COMMITTED["prices"] if "held" not in row and "genai-prices" in row["sources"]
    ]


def terms_of(row: dict[str, Any]) -> PriceTerms:
    return PriceTerms.model_validate(
        {name: row[name] for name in PriceTerms.model_fields if name in row}
    )


def off_peak(model: ModelInfo, day: datetime) -> datetime:
    """An hour of the day at which no price by the time of day is in force: those the book does not
    carry.
    """
    windows = (
        [] if isinstance(model.prices, ModelPrice) else [each.constraint for each in model.prices]
    )
    hours = (datetime.combine(day, time(hour), UTC) for hour in range(24))
    return next(
        hour
        for hour in hours
        if not any(isinstance(each, TimeOfDateConstraint) and each.active(hour) for each in windows)
    )


def a_day_of(row: dict[str, Any], following: dict[str, Any] | None) -> datetime:
    """The last day of a past price, the day of the book, or the first day of a price to come.

    What became known later counts from the beginning, so the package knows all on the last day.
    """
    names = "provider", "model"
    if following is not None and all(row[name] == following[name] for name in names):
        end = datetime.fromisoformat(following["effective_from"]) - timedelta(days=1)
        if end < ON:
            return end
    return max(ON, datetime.fromisoformat(row.get("effective_from", COMMITTED["date"] + "T00:00Z")))


def shared() -> Iterator[Shared]:
    """Every entry that the package states, by its own id or by the id it is matched to, with each
    variant of it.
    """
    providers = get_snapshot().providers
    genai = GenaiPrices(providers, ON.date())
    theirs = {
        (PROVIDERS.get(provider.id, provider.id), model.id): (provider, model)
        for provider in providers
        for model in provider.models
    }
    rounded = {(row["provider"], row["model"]) for row in COMMITTED["roundings"]}
    for row, following in zip_longest(rows := entries(), rows[1:]):
        key = (row["provider"], row["model"])
        found = key if key in theirs else genai.matched(key) or maker_of(genai, key)
        assert found, f"{key} names genai-prices as its source, which does not know it"
        provider, model = theirs[found]
        day = a_day_of(row, following)
        terms, is_of_maker = terms_of(row), found[0] != key[0]
        for variant in (None, *terms.variants):
            yield Shared(
                provider, model, off_peak(model, day), variant, terms, key in rounded, is_of_maker
            )


def ours(each: Shared) -> Terms:
    return each.terms if each.variant is None else each.terms.variants[each.variant]


def comparable(each: Shared) -> list[str]:
    """The classes that both price, ours in every tier, so that a usage of any size can be compared.

    A price that the package does not state, ours may have from the other source. A model of which
    it states none at all costs nothing by it, and must by the book.
    """
    prices = each.model.get_prices(each.at, CONTEXTS[each.variant])
    theirs = [name for name in CLASSES if getattr(prices, FIELDS[f"{name}_price"]) is not None]
    levels = [ours(each), *ours(each).tiers]
    return [
        name
        for name in theirs or ([] if stated_units(each) else CLASSES)
        if all(getattr(level, f"{name}_price") is not None for level in levels)
    ]


def stated_units(each: Shared) -> list[OtherUnit]:
    """The units that the package prices, without tools of another platform. Each must have a price
    in every tier of ours.
    """
    prices = each.model.get_prices(each.at, CONTEXTS[each.variant])
    return [
        unit
        for unit, sold in OTHERS.items()
        if getattr(prices, sold.name) is not None and not (each.is_of_maker and unit in TOOLS)
    ]
