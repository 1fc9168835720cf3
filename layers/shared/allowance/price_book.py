"""A price book: a document of model prices, checked whole before anything of it counts."""

import json
from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import Field, ValidationError

from allowance.errors import Problem, ValidationFailed
from allowance.models import Body, Name
from allowance.validation import as_phrases, problems_of

MAX_PRICE_MICROS = 1_000_000_000_000
PRICES = ("input_price", "output_price", "cache_read_price", "cache_write_price")

Price = Annotated[int | None, Field(ge=0, le=MAX_PRICE_MICROS)]


class ModelPrice(Body):
    """What a model costs: micro-units of US dollars per one million tokens; null is unknown, 0 is free."""

    provider: Name
    model: Name
    input_price: Price = None
    output_price: Price = None
    cache_read_price: Price = None
    cache_write_price: Price = None


class PriceBook(Body):
    """Model prices from one source. The file that is shipped also says from when it is and what was rounded."""

    prices: list[ModelPrice]
    source: str | None = None
    version: str | None = None
    date: str | None = None
    roundings: list[dict[str, Any]] = []


def read_price_book(event: object, shipped: Path) -> PriceBook:
    """The book of the event, or else (a schedule's, a deployment's, `{}`) the file. Raises ValidationFailed."""
    if not isinstance(event, dict):
        raise ValidationFailed([Problem("(document)", "must be an object")])
    given = cast("dict[str, Any]", event)
    document = given if "prices" in given else json.loads(shipped.read_text(encoding="utf-8"))
    try:
        book = PriceBook.model_validate(document)
    except ValidationError as error:
        raise ValidationFailed(as_phrases(problems_of(error))) from error
    if problems := [*_without_price(book.prices), *_named_twice(book.prices)]:
        raise ValidationFailed(problems)
    return book


def _without_price(prices: list[ModelPrice]) -> list[Problem]:
    return [
        Problem(f"prices[{i}]", "at least one price must be set (0 declares a model free)")
        for i, price in enumerate(prices)
        if all(getattr(price, name) is None for name in PRICES)
    ]


def _named_twice(prices: list[ModelPrice]) -> list[Problem]:
    first: dict[tuple[str, str], int] = {}
    return [
        Problem(f"prices[{i}].model", f"{price.provider} {price.model} is priced at prices[{before}] already")
        for i, price in enumerate(prices)
        if (before := first.setdefault((price.provider, price.model), i)) != i
    ]
