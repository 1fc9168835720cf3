"""Merge two sources into one list of prices: agreements, prices of one source, and disputes for
people to decide.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from local.price_book import PriceBookRefused, genai, models_dev
from local.price_book.genai import GenaiPrices
from local.price_book.models_dev import ModelsDev
from local.price_book.rules import SUPERSEDED, Compared, Differences, judge
from local.price_book.statement import Key, Statement, Timeline, place_in_force

MAX_DISPUTED_SHARE = Decimal("0.33")
MIN_COMPARED = 20
"""With fewer compared models, the share of disputes does not show that a whole source is wrong."""


@dataclass(frozen=True)
class Priced:
    """A model of the book: past, current and future prices, their sources, and any dispute."""

    timeline: Timeline
    sources: tuple[str, ...]
    held: Statement | None = None
    differences: Differences = field(
        default_factory=dict[str, tuple[Decimal | None, Decimal | None]]
    )
    rules: frozenset[str] = frozenset()
    """The rules that explain differences between the sources."""


@dataclass(frozen=True)
class Merged:
    """The models of the book, and every omitted model with the reason."""

    models: Mapping[Key, Priced]
    left_out: Mapping[Key, str]


def merge(first: GenaiPrices, second: ModelsDev, second_day: date) -> Merged:
    """Return everything that either source prices.

    An id that only the second source lists is compared with the model to which the first source
    maps it. In a dispute the first source's price stays in force, since a model without a price is
    a worse error. The second source's price is held. Raise PriceBookRefused if the share of
    disputes shows that a whole source must be wrong.
    """
    models = {key: Priced(timeline, (genai.SOURCE,)) for key, timeline in first.models.items()}
    left_out: dict[Key, str] = {
        key: f"{genai.SOURCE}: {reason}" for key, reason in first.left_out.items()
    }
    disputed, compared = 0, 0
    for key in (*second.models, *second.left_out):
        alike = first.named_like(key)
        known = alike or first.matched(key)
        stated = second.models.get(key)
        if known is None:
            if stated is None:
                left_out.setdefault(key, f"{models_dev.SOURCE}: {second.left_out[key]}")
            else:
                models[key] = Priced([(None, stated)], (models_dev.SOURCE,))
        elif stated is None or place_in_force(first.models[known], first.on) is None:
            models.setdefault(alike or key, Priced(first.models[known], (genai.SOURCE,)))
        else:
            models[alike or key] = found = _compared(
                first, Compared(key, first, known, stated, second_day)
            )
            compared, disputed = compared + 1, disputed + (found.held is not None)
    if compared >= MIN_COMPARED and disputed > MAX_DISPUTED_SHARE * compared:
        raise PriceBookRefused(
            f"{disputed} of {compared} models are in dispute{_ratio(models)}: is a source "
            "in other units?"
        )
    return Merged(models, {key: reason for key, reason in left_out.items() if key not in models})


def _compared(first: GenaiPrices, each: Compared) -> Priced:
    rules, disputed = judge(each)
    timeline = first.models[each.genai_key]
    if disputed:
        return Priced(timeline, (genai.SOURCE,), each.second, disputed, frozenset(rules))
    if SUPERSEDED in rules:
        return Priced(timeline, (genai.SOURCE,), rules=frozenset(rules))
    if place_in_force(timeline, first.on) == len(timeline) - 1:
        day, stated = timeline[-1]
        timeline = [*timeline[:-1], (day, _filled(stated, each.second))]
    return Priced(timeline, (genai.SOURCE, models_dev.SOURCE), rules=frozenset(rules))


def _filled(stated: Statement, second: Statement) -> Statement:
    """Return the statement, with missing prices filled from the second source: the two agree on the
    rest.
    """
    usd = {
        name: second.usd.get(name) if price is None else price for name, price in stated.usd.items()
    }
    return Statement(usd, stated.tiers, stated.variants)


def _ratio(models: Mapping[Key, Priced]) -> str:
    ratios = Counter(
        f"{second / one:.0e}"
        for priced in models.values()
        for one, second in priced.differences.values()
        if one and second
    )
    return f", most often by a factor of {ratios.most_common(1)[0][0]}" if ratios else ""
