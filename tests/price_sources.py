"""Small sources of prices for tests, and the book that they make."""

import datetime
import gzip
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from genai_prices.types import (
    ClauseEquals,
    ClauseOr,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    PriceVariant,
    Provider,
    StartDateConstraint,
    TimeOfDateConstraint,
)

from local.price_book.book import Book, Entry, book
from local.price_book.genai import GenaiPrices
from local.price_book.litellm_map import LiteLLM
from local.price_book.merge import Merged, merge
from local.price_book.models_dev import ModelsDev, parse

DAY = datetime.date(2026, 11, 10)
OLDER = datetime.date(2026, 5, 21)


def provider(*models: ModelInfo, name: str = "acme-ai") -> Provider:
    return Provider(id=name, name=name, api_pattern="https://acme\\.example", models=list(models))


def model(
    prices: ModelPrice | list[ConditionalPrice], name: str = "m", *more_names: str
) -> ModelInfo:
    return ModelInfo(
        id=name, match=ClauseOr([ClauseEquals(each) for each in (name, *more_names)]), prices=prices
    )


def usd(price_in: str, price_out: str | None = None, **more: Any) -> ModelPrice:
    return ModelPrice(
        input_mtok=Decimal(price_in), output_mtok=price_out and Decimal(price_out), **more
    )


def from_day(day: datetime.date, price: str | ModelPrice) -> ConditionalPrice:
    prices = usd(price) if isinstance(price, str) else price
    return ConditionalPrice(StartDateConstraint(day), prices=prices)


def from_hour(hour: int, price: str) -> ConditionalPrice:
    window = TimeOfDateConstraint(datetime.time(hour), datetime.time(hour + 1))
    return ConditionalPrice(window, prices=usd(price))


def always(price: str | ModelPrice) -> ConditionalPrice:
    return ConditionalPrice(prices=usd(price) if isinstance(price, str) else price)


def variant(
    name: str, value: str, prices: ModelPrice, since: datetime.date | None = None
) -> PriceVariant:
    return PriceVariant({name: value}, prices, since and StartDateConstraint(since))


def genai(*models: ModelInfo, name: str = "acme-ai") -> GenaiPrices:
    return GenaiPrices([provider(*models, name=name)], DAY)


def models_dev(costs: dict[str, Any], name: str = "acme-ai") -> ModelsDev:
    """Of each model its `cost`, as JSON has it."""
    models = {model: {"id": model, "cost": cost} for model, cost in costs.items()}
    return ModelsDev(
        parse(gzip.compress(json.dumps({name: {"id": name, "models": models}}).encode()))
    )


def litellm(
    prices: Mapping[str, Sequence[float | None]],
    tiers: Mapping[str, Mapping[str, Sequence[float | None]]] | None = None,
    name: str = "acme-ai",
) -> LiteLLM:
    """Of each model its prices in the order of RATES, without the last ones, and its tiers."""

    def five(some: Sequence[float | None]) -> list[Decimal | None]:
        known = [None if each is None else Decimal(str(each)) for each in some]
        return [*known, *[None] * (5 - len(known))]

    rows = [
        [
            *(name, model, five(each)),
            *([{at: five(tier) for at, tier in tiers[model].items()}] if tiers else []),
        ]
        for model, each in prices.items()
    ]
    return LiteLLM(rows)


def merged(
    first: GenaiPrices, second: ModelsDev | None = None, third: LiteLLM | None = None
) -> Merged:
    return merge(first, second or ModelsDev({}), OLDER, third or LiteLLM([]))


def made(*models: ModelInfo) -> Book:
    return book(merged(genai(*models)), "1", DAY)


def entries(first: GenaiPrices, second: ModelsDev | None = None) -> list[Entry]:
    return book(merged(first, second), "1", DAY)["prices"]


def four(row: Entry) -> tuple[int | None, ...]:
    return (
        row["input_price"],
        row["output_price"],
        row["cache_read_price"],
        row["cache_write_price"],
    )
