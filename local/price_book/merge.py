"""Merge three sources into one list of prices: agreements, prices of one source, and disputes for
people to decide.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from allowance.prices.name_tables import SOLD_ALIKE
from allowance.prices.units import TOOLS
from local.price_book import PriceBookRefused, genai, litellm_map, models_dev
from local.price_book.genai import GenaiPrices
from local.price_book.litellm_map import LiteLLM
from local.price_book.models_dev import ModelsDev
from local.price_book.rules import OUTDATED, Compared, judge
from local.price_book.statement import (
    UNIT_PREFIX,
    Key,
    Statement,
    Usd,
    place_in_force,
    text_in_force,
)
from local.price_book.votes import Priced, against, voted

MAX_DISPUTED_SHARE = Decimal("0.33")
MIN_COMPARED = 20
"""With fewer compared models, the share of disputes does not show that a whole source is wrong."""

MIRRORS: Mapping[str, Mapping[str, str]] = {
    "azure": SOLD_ALIKE["azure"],
    "azure-cognitive-services": SOLD_ALIKE["azure"],
    "google-vertex": {"google": r"(gemini|claude)\b"},
}
"""Platforms that sell a maker's models at the maker's price, and the names of those models."""

NO_ROWS = LiteLLM([])


@dataclass(frozen=True)
class Merged:
    """The models of the book, and every omitted model with the reason."""

    models: Mapping[Key, Priced]
    left_out: Mapping[Key, str]


def merge(
    first: GenaiPrices, second: ModelsDev, second_day: date, third: LiteLLM = NO_ROWS
) -> Merged:
    """Return everything that one of the first two sources prices, and the third's regional prices.

    An id that only the second source lists is compared with the model to which the first source
    maps it, or with the maker's model of a mirror. In a dispute of two, the first source's price
    stays in force, since a model without a price is a worse error. The other's price is held. Raise
    PriceBookRefused if the share of disputes shows that a whole source must be wrong.
    """
    models = {key: Priced(timeline, (genai.SOURCE,)) for key, timeline in first.models.items()}
    left_out: dict[Key, str] = {
        key: f"{genai.SOURCE}: {reason}" for key, reason in first.left_out.items()
    }
    compared: dict[Key, Priced] = {}
    for key in (*second.models, *second.left_out):
        alike = first.named_like(key)
        stated = second.models.get(key)
        known = alike or first.matched(key) or (maker_of(first, key) if stated else None)
        if known is None:
            if stated is None:
                left_out.setdefault(key, f"{models_dev.SOURCE}: {second.left_out[key]}")
            else:
                models[key] = Priced([(None, stated)], (models_dev.SOURCE,))
        elif stated is None or text_in_force(first.models[known], first.on) is None:
            models.setdefault(alike or key, _of_first(first, key, known))
        else:
            compared[alike or key] = _compared(
                first, Compared(key, first, known, stated, second_day)
            )
    _refuse_a_wrong_source(compared)
    models |= compared
    votes = {key: vote for key in models if (vote := third.stated(key)) is not None}
    by_vote = {key: voted(models[key], vote, first.on) for key, vote in votes.items()}
    _refuse_a_wrong_source(by_vote)
    models |= by_vote | _regional(first, third, {(name, each.lower()) for name, each in models})
    return Merged(models, {key: reason for key, reason in left_out.items() if key not in models})


def _regional(first: GenaiPrices, third: LiteLLM, known: set[Key]) -> dict[Key, Priced]:
    """Return the third source's prices in regions, except those of the models that the first source
    maps their names to.
    """
    found: dict[Key, Priced] = {}
    for (provider, model), stated in third.regional().items():
        meant = first.matched((provider, model))
        if (provider, model.lower()) not in known and (
            meant is None or against(first.stated_on(meant, first.on), stated)
        ):
            found[provider, model] = Priced([(None, stated)], (litellm_map.SOURCE,))
    return found


def maker_of(first: GenaiPrices, key: Key) -> Key | None:
    """Return the maker's model of the same id that a mirror sells, or None.

    The `-latest` of a family is what the first source maps it to: an older source cannot know it.
    """
    platform, model = key
    for maker, names in MIRRORS.get(platform, {}).items():
        if re.match(names, model):
            sold = maker, model.partition("@")[0] if platform == "google-vertex" else model
            is_latest = model.endswith("-latest")
            if found := first.named_like(sold) or (first.matched(sold) if is_latest else None):
                return found
    return None


def _compared(first: GenaiPrices, each: Compared) -> Priced:
    rules, disputed = judge(each)
    priced = replace(_of_first(first, each.key, each.genai_key), rules=frozenset(rules))
    if disputed:
        return replace(priced, held=each.second, differences=disputed)
    if OUTDATED in rules:
        return priced
    timeline = priced.timeline
    if place_in_force(timeline, first.on) == len(timeline) - 1:
        day, stated = timeline[-1]
        timeline = [*timeline[:-1], (day, _filled(stated, each.second))]
    return replace(priced, timeline=timeline, sources=(genai.SOURCE, models_dev.SOURCE))


def _of_first(first: GenaiPrices, key: Key, known: Key) -> Priced:
    """Return the first source's prices of a model. Of its maker's, a mirror has those of the model
    alone: it prices tools and other kinds of processing itself.
    """
    timeline = first.models[known]
    if key[0] == known[0]:
        return Priced(timeline, (genai.SOURCE,))
    return Priced(
        [
            (day, Statement(_without_tools(stated.usd), _tiers_without_tools(stated)))
            for day, stated in timeline
        ],
        (genai.SOURCE,),
        is_of_maker=True,
    )


def _tiers_without_tools(stated: Statement) -> Mapping[int, Usd]:
    return {above: _without_tools(usd) for above, usd in stated.tiers.items()}


def _without_tools(usd: Usd) -> Usd:
    return {
        name: price for name, price in usd.items() if name.removeprefix(UNIT_PREFIX) not in TOOLS
    }


def _filled(stated: Statement, second: Statement) -> Statement:
    """Return the statement, with missing prices filled from the second source: the two agree on the
    rest.
    """
    usd = {
        name: second.usd.get(name) if stated.usd.get(name) is None else stated.usd[name]
        for name in {**stated.usd, **second.usd}
    }
    return Statement(usd, stated.tiers, stated.variants)


def _refuse_a_wrong_source(compared: Mapping[Key, Priced]) -> None:
    disputed = sum(each.held is not None for each in compared.values())
    if len(compared) >= MIN_COMPARED and disputed > MAX_DISPUTED_SHARE * len(compared):
        raise PriceBookRefused(
            f"{disputed} of {len(compared)} models are in dispute{_ratio(compared)}: is a source "
            "in other units?"
        )


def _ratio(models: Mapping[Key, Priced]) -> str:
    ratios = Counter(
        f"{second / one:.0e}"
        for priced in models.values()
        for one, second in priced.differences.values()
        if one and second
    )
    return f", most often by a factor of {ratios.most_common(1)[0][0]}" if ratios else ""
