"""Our cost of a usage, by our price book, against `genai_prices`' own calculation by its own data,
on every shared model.

The oracle knows nothing of the book, of its rounding, or of our cost function: what a model is, its
tiers, its dates, its variants and its units are all the package's. Its `input_tokens` is the total;
ours are disjoint.
"""

import json
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise, zip_longest
from typing import Any, NamedTuple

import pytest
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, ModelPrice, Provider, TimeOfDateConstraint

from allowance.prices.cost import Tokens, cost_of
from allowance.prices.terms import PriceTerms, Terms, Variant
from local.price_book import BOOK_FILE
from local.price_book.genai import FIELDS, PROVIDERS, VARIANTS, GenaiPrices
from local.price_book.merge import maker_of
from tests.oracle import micros_by_our_prices, usage_of

USAGES = 10_000
HALF_A_MICRO = Fraction(1, 2)
CLASSES = ("input", "output", "cache_read", "cache_write", "cache_write_1h")
BOOK = json.loads(BOOK_FILE.read_text())
ON = datetime.fromisoformat(BOOK["date"]).replace(tzinfo=UTC)
CONTEXTS: dict[Variant | None, dict[str, str] | None] = {None: None} | {
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


def entries() -> list[dict[str, Any]]:
    return [row for row in BOOK["prices"] if "held" not in row and "genai-prices" in row["sources"]]


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
    return max(ON, datetime.fromisoformat(row.get("effective_from", BOOK["date"] + "T00:00Z")))


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
    rounded = {(row["provider"], row["model"]) for row in BOOK["roundings"]}
    for row, following in zip_longest(rows := entries(), rows[1:]):
        key = (row["provider"], row["model"])
        found = key if key in theirs else genai.matched(key) or maker_of(genai, key)
        assert found, f"{key} names genai-prices as its source, which does not know it"
        provider, model = theirs[found]
        day = a_day_of(row, following)
        terms = terms_of(row)
        for variant in (None, *terms.variants):
            yield Shared(provider, model, off_peak(model, day), variant, terms, key in rounded)


@pytest.fixture(scope="module")
def everything() -> list[Shared]:
    return list(shared())


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
        for name in theirs or CLASSES
        if all(getattr(level, f"{name}_price") is not None for level in levels)
    ]


def micros_by_the_package(each: Shared, tokens: Tokens) -> Fraction:
    """What the package charges for the tokens by its own data, in exact micros, without its fee per
    request.
    """
    calculated = each.model.calc_price(
        usage_of(tokens),
        each.provider,
        genai_request_timestamp=each.at,
        price_context=CONTEXTS[each.variant],
    )
    fee = calculated.model_price.requests_kcount or Decimal(0)
    assert isinstance(fee, Decimal)
    return Fraction(calculated.total_price) * 10**6 - Fraction(fee) * 1000


def random_tokens(dice: random.Random, each: Shared) -> Tokens:
    """A usage of some of the classes, often close to the threshold of a tier."""
    used = dice.sample(names := comparable(each), dice.randint(1, len(names)))
    size = dice.choice([10, 10_000, 300_000, 2_000_000])
    counts = {name: dice.randint(0, size) for name in used}
    inputs = [name for name in used if name != "output"]
    if ours(each).tiers and inputs and dice.random() < 0.5:
        edge = dice.choice(ours(each).tiers).above_input_tokens + dice.choice([-1, 0, 1])
        cuts = sorted(dice.randint(0, edge) for _ in inputs[1:])
        counts |= dict(zip(inputs, (b - a for a, b in pairwise([0, *cuts, edge])), strict=True))
    return Tokens(**counts)


def test_ten_thousand_random_usages_cost_what_the_oracle_says(
    everything: list[Shared],
):
    dice = random.Random(20261122)  # noqa: S311 - the same usages every time
    worst = Fraction(0)
    seen: Counter[str] = Counter()
    for turn in range(USAGES):
        each = everything[turn % len(everything)]
        tokens = random_tokens(dice, each)
        cost = cost_of(tokens, each.terms, each.variant)
        assert cost, each.model.id
        # Where the book had to round a price, the oracle takes the rounded one.
        exact = (
            micros_by_our_prices(ours(each), tokens)
            if each.rounded
            else micros_by_the_package(each, tokens)
        )
        assert sum(map(Fraction, cost.parts.values())) == exact, (each.model.id, tokens)
        worst = max(worst, abs(cost.micros - Fraction(exact)))
        seen.update((*cost.parts, each.variant or "standard", *(["tier"] if cost.tier else [])))
    assert worst <= HALF_A_MICRO
    assert all(
        seen[name] >= 100 for name in (*CLASSES, "tier", "batch", "flex", "priority", "standard")
    ), seen


def test_no_shared_model_is_left_uncompared_and_every_class_is_counted(everything: list[Shared]):
    """The numbers of the pinned packages. A newer package shows what is compared then."""
    assert len(everything) <= USAGES
    assert all(comparable(each) for each in everything)
    kinds = Counter(each.variant or "standard" for each in everything)
    assert kinds == {"standard": 2809, "batch": 132, "fast": 38, "priority": 37, "flex": 32}
    assert Counter(name for each in everything for name in comparable(each)) == {
        "input": 3048,
        "output": 2959,
        "cache_read": 1694,
        "cache_write": 627,
        "cache_write_1h": 166,
    }
    assert sum(each.rounded for each in everything) == 29
    # What the package does not state, and ours has from the other source.
    assert Counter(
        name
        for each in everything
        for name in CLASSES
        if getattr(ours(each), f"{name}_price") is not None and name not in comparable(each)
    ) == {"cache_read": 12, "cache_write": 7}


def test_every_model_that_the_package_prices_in_tokens_is_shared(everything: list[Shared]):
    genai = GenaiPrices(get_snapshot().providers, ON.date())
    outvoted = {
        (row["provider"], row["model"])
        for row in BOOK["prices"]
        if row["sources"] == ["models-dev", "litellm"]
    }
    assert {id(each.model) for each in everything} >= {
        id(model)
        for provider in get_snapshot().providers
        for model in provider.models
        if (PROVIDERS.get(provider.id, provider.id), model.id) in genai.models.keys() - outvoted
    }
    assert len(genai.models) + len(genai.left_out) == sum(
        len(each.models) for each in get_snapshot().providers
    )


def test_a_rounded_price_is_off_by_half_a_micro_per_million_tokens_at_most(
    everything: list[Shared],
):
    for each in everything:
        if each.rounded:
            for name in comparable(each):
                tokens = Tokens(**{name: 1_000_000})
                exact = micros_by_the_package(each, tokens)
                assert (
                    abs(Fraction(micros_by_our_prices(ours(each), tokens)) - exact) <= HALF_A_MICRO
                )
