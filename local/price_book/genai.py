"""The first source: the data objects of PyPI's `genai-prices`."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal

from genai_prices.types import (
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    PriceVariant,
    Provider,
    StartDateConstraint,
    TieredPrices,
)

from local.price_book import PriceBookRefused
from local.price_book.genai_units import OTHERS, SOLD
from local.price_book.statement import (
    FREE,
    FREE_SUFFIX,
    UNIT_PREFIX,
    Key,
    Statement,
    Timeline,
    Usd,
    micros,
    named,
)

SOURCE = "genai-prices"

PROVIDERS = {"aws": "bedrock", "github-copilot": "copilot"}
FIELDS = {
    "input_price": "input_mtok",
    "output_price": "output_mtok",
    "cache_read_price": "cache_read_mtok",
    "cache_write_price": "cache_write_mtok",
    "cache_write_1h_price": "cache_write_1h_mtok",
}
VARIANTS = {
    ("processing", "batch"): "batch",
    ("service_tier", "flex"): "flex",
    ("service_tier", "priority"): "priority",
    ("service_tier", "fast"): "fast",
    ("speed", "fast"): "fast",
}
"""Our variant for a request context of the package. The book omits other contexts (route, search).
"""

FREE_BY_COMMENT = {
    "copilot": ("gpt-3.5-turbo", "gpt-4.1", "gpt-4o", "gpt-4o-mini"),
    "google": ("gemma-4-26b-a4b-it", "gemma-4-31b-it"),
}
"""Models that the package's comments call free of charge, or without a token price: it drops zeros
itself.
"""

NO_PRICE = "no price at all, and not known to be free"


class GenaiPrices:
    """The data of the package: `models` by price book name, each with prices from a date on.

    Raise PriceBookRefused for an invalid name, a repeated model, or an invalid price.
    """

    def __init__(self, providers: Sequence[Provider], on: date) -> None:
        self.on = on
        self._models: dict[Key, ModelInfo] = {}
        self._providers: dict[str, list[Provider]] = {}
        for provider in providers:
            self._providers.setdefault(PROVIDERS.get(provider.id, provider.id), []).append(provider)
            for model in provider.models:
                key = named(PROVIDERS.get(provider.id, provider.id), model.id)
                if key in self._models:
                    raise PriceBookRefused(f"{'/'.join(key)}: priced twice")
                self._models[key] = model
        timelines = {key: self.timeline(key, model) for key, model in self._models.items()}
        self.models: dict[Key, Timeline] = {key: each for key, each in timelines.items() if each}
        self.left_out: dict[Key, str] = {
            key: NO_PRICE for key in self._models if not timelines[key]
        }
        self._by_lower = {(provider, model.lower()): model for provider, model in self.models}

    @property
    def providers(self) -> list[str]:
        """Return the providers of the package."""
        return list(self._providers)

    def named_like(self, key: Key) -> Key | None:
        """Return the priced model with that id in any letter case, or None."""
        provider, model = key
        found = self._by_lower.get((provider, model.lower()))
        return (provider, found) if found else None

    def matched(self, key: Key) -> Key | None:
        """Return the priced model to which the package itself maps that id, or None."""
        provider, name = key
        for each in self._providers.get(provider, []):
            model = next((model for model in each.models if model.is_match(name)), None)
            if model and (provider, model.id) in self.models:
                return provider, model.id
        return None

    def stated_on(self, key: Key, day: date) -> Statement:
        """Return the package's prices in force on a day."""
        return statement(key, self._models[key], day)

    def image_output_usd(self, key: Key) -> Decimal | None:
        """Return the price of output image tokens, None if unknown."""
        price = price_in_force(self._models[key], self.on).output_image_mtok
        return price.base if isinstance(price, TieredPrices) else price

    def timeline(self, key: Key, model: ModelInfo) -> Timeline:
        """Return the first statement and each later one that differs from its predecessor.

        A price that only became known later counts as long as the others stay the same. What is
        older than a time without a price is left out. Empty if the model has no price now and none
        to come.
        """
        found: Timeline = [(None, statement(key, model, date.min))]
        for day in sorted(set(_days(model))):
            since, known = found[-1]
            if (changed := statement(key, model, day)) != known:
                if day <= self.on and known.is_priced and known.is_part_of(changed):
                    found[-1] = since, changed
                else:
                    found.append((day, changed))
        gaps = [place for place, (_, stated) in enumerate(found) if not stated.is_priced]
        return found[gaps[-1] + 1 :] if gaps else found

    def uncarried(self) -> Counter[str]:
        """Return the number of models whose prices depend on a context that the book omits, by
        context.
        """
        return Counter(
            f"{name}={value}"
            for model in self._models.values()
            for name, value in {
                pair for variant in model.price_variants or () for pair in variant.when.items()
            }
            if (name, value) not in VARIANTS and (name, value) != ("service_tier", "default")
        )


def price_in_force(model: ModelInfo, on: date) -> ModelPrice:
    """Return the price on a date that does not depend on time of day or kind of request: the last
    one begun by then.
    """
    if isinstance(model.prices, ModelPrice):
        return model.prices
    begun = [conditional.prices for conditional in model.prices if _begun(conditional, on)]
    # If none has begun, take the first: the package charges by it when no condition is met.
    return (begun or [conditional.prices for conditional in model.prices[:1]] or [ModelPrice()])[-1]


def statement(key: Key, model: ModelInfo, on: date) -> Statement:
    """Return the prices on a date. A variant overrides the standard prices of its classes, as in
    the package.

    If several variants have begun, the first wins, class by class.
    """
    standard = price_in_force(model, on)
    provider, name = key
    if _is_empty(standard) and (
        name.endswith(FREE_SUFFIX) or name in FREE_BY_COMMENT.get(provider, ())
    ):
        return Statement(FREE)
    variants: dict[str, Statement] = {}
    for when, ours in VARIANTS.items():
        begun = [
            each
            for each in model.price_variants or ()
            if tuple(each.when.items()) == (when,) and _begun(each, on)
        ]
        if begun:
            values = _values(key, standard)
            for each in reversed(begun):
                values |= {
                    field: price
                    for field, price in _values(key, each.prices).items()
                    if price is not None
                }
            variants[ours] = _terms(key, values)
    base = _terms(key, _values(key, standard))
    return Statement(base.usd, base.tiers, variants)


type Values = dict[str, Decimal | TieredPrices | None]


def _values(key: Key, stated: ModelPrice) -> Values:
    if unknown := {name for name, price in vars(stated).items() if price is not None} - SOLD:
        raise PriceBookRefused(f"{'/'.join(key)}: {min(unknown)} is no unit of the registry")
    # getattr, not vars(): the package returns None for a known unit and raises for a renamed one.
    values: Values = {field: getattr(stated, name) for field, name in FIELDS.items()}
    for unit, sold in OTHERS.items():
        if (price := getattr(stated, sold.name)) is not None:
            field = f"{UNIT_PREFIX}{unit}"
            values[field] = sold.per_million(f"{'/'.join(key)} {field}", price)
    return values


def _terms(key: Key, values: Values) -> Statement:
    starts = sorted(
        {
            tier.start
            for value in values.values()
            if isinstance(value, TieredPrices)
            for tier in value.tiers
        }
    )
    base = {
        field: value.base if isinstance(value, TieredPrices) else value
        for field, value in values.items()
    }
    tiers: Mapping[int, Usd] = {
        start: {field: _at(value, start) for field, value in values.items()} for start in starts
    }
    found = Statement(base, tiers)
    for path, price in found.prices():
        micros(f"{'/'.join(key)} {path}", price)
    return found


def _at(value: Decimal | TieredPrices | None, start: int) -> Decimal | None:
    if not isinstance(value, TieredPrices):
        return value
    return next((tier.price for tier in reversed(value.tiers) if tier.start <= start), value.base)


def _begun(conditional: ConditionalPrice | PriceVariant, on: date) -> bool:
    constraint = conditional.constraint
    return constraint is None or (
        isinstance(constraint, StartDateConstraint) and constraint.start_date <= on
    )


def _days(model: ModelInfo) -> Iterator[date]:
    prices = [] if isinstance(model.prices, ModelPrice) else model.prices
    for conditional in (*prices, *(model.price_variants or ())):
        if isinstance(conditional.constraint, StartDateConstraint):
            yield conditional.constraint.start_date


def _is_empty(stated: ModelPrice) -> bool:
    return all(value is None for value in vars(stated).values())
