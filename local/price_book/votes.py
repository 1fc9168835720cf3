"""The vote of the third source: two of three decide, and a dispute of two is held."""

from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from local.price_book import genai, litellm_map, models_dev
from local.price_book.rules import TOLERANCE, Differences, differences
from local.price_book.statement import Statement, Timeline, place_in_force

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


def voted(priced: Priced, vote: Statement, on: date) -> Priced:
    """Return the model after the third source's vote about its price in force on a day.

    If two sources already agree, the third changes nothing. If it is the only other one and
    differs, its price is held.
    """
    place = place_in_force(priced.timeline, on)
    if place is None or vote.usd["input_price"] is None:
        return priced
    day, applied = priced.timeline[place]
    source = priced.sources[0]
    differs = against(applied, vote)
    if priced.held is not None:
        return _decided(priced, differs, vote)
    if len(priced.sources) > 1:
        return priced if differs else replace(priced, sources=(*priced.sources, litellm_map.SOURCE))
    if differs:
        between = source, litellm_map.SOURCE
        return replace(priced, held=vote, differences=differs, between=between)
    if source == models_dev.SOURCE:
        priced = replace(priced, timeline=[(day, _unrounded(applied, vote))])
    return replace(priced, sources=(*priced.sources, litellm_map.SOURCE))


def _decided(priced: Priced, against_first: Differences, vote: Statement) -> Priced:
    held = priced.held or vote
    against_second = against(held, vote)
    if bool(against_first) == bool(against_second):
        return priced
    if against_second:
        return Priced(
            priced.timeline,
            (priced.sources[0], litellm_map.SOURCE),
            rules=priced.rules | {SECOND_OUTVOTED},
        )
    return Priced(
        [(None, _unrounded(held, vote))],
        (models_dev.SOURCE, litellm_map.SOURCE),
        rules=frozenset({FIRST_OUTVOTED}),
    )


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
