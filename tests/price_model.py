"""The price that is in effect, by a plain model: what was written, one after another."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

type Terms = dict[str, Any]

EVER = datetime.min.replace(tzinfo=UTC)
"""The beginning of a price that applies always."""

UNKNOWN: Terms = {
    "input_price": None,
    "output_price": None,
    "cache_read_price": None,
    "cache_write_price": None,
    "cache_write_1h_price": None,
    "unit_prices": {},
    "tiers": [],
    "variants": {},
}
BY_NAME = ("unit_prices", "variants")
"""These are named one by one."""


class BookPrice(NamedTuple):
    """The book has this price from `starts` on."""

    starts: datetime
    terms: Terms


class OwnPrice(NamedTuple):
    """At `written_at`, an owner sets a custom price from `starts` on."""

    starts: datetime
    named: Terms
    written_at: datetime


class TakenBack(NamedTuple):
    """An owner takes the custom price back, for all time or from a time on."""

    since: datetime = EVER


type Written = BookPrice | OwnPrice | TakenBack


def price_in_effect(history: Sequence[Written], at: datetime) -> Terms | None:
    """Return the terms of one model at a time, after all that was written; None without a price."""
    book: dict[datetime, Terms | None] = {}
    own: dict[datetime, Terms | None] = {}
    for each in history:
        match each:
            case BookPrice(starts, terms):
                book[starts] = terms
            case OwnPrice(starts, named, written_at):
                # The last word counts for its time. Only what is scheduled for later stays.
                own = {
                    time: kept for time, kept in own.items() if time < starts or time > written_at
                }
                own[starts] = named
            case TakenBack(since):
                ends_one = _latest(own, since) is not None
                own = {time: kept for time, kept in own.items() if time < since}
                own |= {since: None} if ends_one else {}
    below, named = _latest(book, at), _latest(own, at)
    if named is None:
        return None if below is None else UNKNOWN | below
    return laid_over(UNKNOWN | (below or {}), named)


def laid_over(below: Terms, named: Terms) -> Terms:
    """Return the terms with what is named in place of what was there."""
    merged = {
        field: {
            name: price
            for name, price in (below[field] | named.get(field, {})).items()
            if price is not None
        }
        for field in BY_NAME
    }
    return below | named | merged


def _latest(prices: dict[datetime, Terms | None], at: datetime) -> Terms | None:
    begun = [time for time in prices if time <= at]
    return prices[max(begun)] if begun else None
