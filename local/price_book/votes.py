"""The vote of the third source: two of three decide, and a dispute of two is held."""

from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from local.price_book import genai, litellm_map, models_dev
from local.price_book.rules import TOLERANCE, Differences, differences
from local.price_book.statement import UNIT_PREFIX, Statement, Timeline, Usd, text_in_force

FIRST_OUTVOTED = "models-dev and litellm agree against genai-prices"
SECOND_OUTVOTED = "genai-prices and litellm agree against models-dev"


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
    between: tuple[str, str] = (genai.SOURCE, models_dev.SOURCE)
    """The sources of the applied and of the held price, in a dispute."""
    is_of_maker: bool = False
    """Whether the first source has the price of the maker only, not of the platform itself."""


def voted(priced: Priced, vote: Statement, on: date) -> Priced:
    """Return the model after the third source's vote about its price in force on a day.

    If two sources already agree, the third changes nothing. If it is the only other one and
    differs, its price is held.
    """
    place = text_in_force(priced.timeline, on)
    if place is None or vote.usd["input_price"] is None:
        return priced
    day, applied = priced.timeline[place]
    source = priced.sources[0]
    differs = against(applied, vote)
    if priced.held is not None:
        return _decided(priced, place, differs, vote)
    if len(priced.sources) > 1:
        return priced if differs else replace(priced, sources=(*priced.sources, litellm_map.SOURCE))
    if differs:
        between = source, litellm_map.SOURCE
        return replace(priced, held=vote, differences=differs, between=between)
    if source == models_dev.SOURCE:
        priced = replace(priced, timeline=[(day, _unrounded(applied, vote))])
    return replace(priced, sources=(*priced.sources, litellm_map.SOURCE))


def _decided(priced: Priced, place: int, against_first: Differences, vote: Statement) -> Priced:
    held = priced.held or vote
    against_second = against(held, vote)
    if bool(against_first) == bool(against_second) or _is_about_units(priced.differences):
        return priced
    if against_second:
        return Priced(
            priced.timeline,
            (priced.sources[0], litellm_map.SOURCE),
            rules=priced.rules | {SECOND_OUTVOTED},
        )
    winner = _unrounded(held, vote)
    if not _is_replaced(priced.timeline, place, winner):
        return priced
    return Priced(
        [(None, winner)] if priced.is_of_maker else _with(priced.timeline, winner),
        (models_dev.SOURCE, litellm_map.SOURCE),
        rules=frozenset({FIRST_OUTVOTED}),
    )


def _is_about_units(disputed: Differences) -> bool:
    """Return whether a price that the third source never states is in dispute."""
    return any(UNIT_PREFIX in path for path in disputed)


def _is_replaced(timeline: Timeline, place: int, winner: Statement) -> bool:
    """Return whether the winner states every price from now on, other units aside: the rest would
    get lost.
    """
    stated = timeline[place][1]
    return (
        place == len(timeline) - 1
        and not stated.variants
        and _is_covered(stated.usd, winner.usd)
        and all(
            above in winner.tiers and _is_covered(usd, winner.tiers[above])
            for above, usd in stated.tiers.items()
        )
    )


def _is_covered(usd: Usd, other: Usd) -> bool:
    return all(
        price is None or name.startswith(UNIT_PREFIX) or other.get(name) is not None
        for name, price in usd.items()
    )


def _with(timeline: Timeline, winner: Statement) -> Timeline:
    """Return the timeline with the winner as its last statement, which keeps the unit prices that
    the winner lacks.
    """
    *past, (day, stated) = timeline
    tiers = {
        above: _with_units(stated.tiers.get(above, stated.usd), usd)
        for above, usd in winner.tiers.items()
    }
    return [*past, (day, Statement(_with_units(stated.usd, winner.usd), tiers))]


def _with_units(stated: Usd, winner: Usd) -> Usd:
    units = {
        name: price
        for name, price in stated.items()
        if name.startswith(UNIT_PREFIX) and winner.get(name) is None
    }
    return {**winner, **units}


def against(stated: Statement, vote: Statement) -> Differences:
    """Return the differences between a statement and a vote, without prices rounded to cents."""
    return {
        path: (one, other)
        for path, (one, other) in differences(stated, vote).items()
        if one is None
        or other is None
        or not (_is_in_cents(path, one, other) or _is_in_cents(path, other, one))
    }


def _unrounded(stated: Statement, vote: Statement) -> Statement:
    """Return the statement, with cached prices in cents replaced by the vote's exact ones."""
    usd = {
        name: exact
        if price is not None
        and (exact := vote.usd.get(name)) is not None
        and _is_in_cents(name, exact, price)
        and abs(exact - price) > TOLERANCE * exact
        else price
        for name, price in stated.usd.items()
    }
    return replace(stated, usd=usd)


def _is_in_cents(path: str, exact: Decimal, rounded: Decimal) -> bool:
    return "cache_" in path and rounded == exact.quantize(Decimal("0.01"), ROUND_HALF_UP)
