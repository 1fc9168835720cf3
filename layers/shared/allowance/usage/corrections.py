"""Corrections: entries that bring usages to what they cost at the current prices.

A correction is another entry, in the period of its usage: the difference to the sum that is booked
already. Its key is the corrected entry and the number of its corrections. So only one of two
concurrent runs books it, and a repeated run books nothing.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

from allowance.access.handle import Handle
from allowance.errors import UsageOutOfRange
from allowance.prices.cost import Tokens
from allowance.usage.ledger import Entry, write
from allowance.usage.passes import ONE_HOUR, BookedUsage, Pass
from allowance.usage.rating import Attribution, Rated, UsagePrices
from allowance.usage.recording import call_of_prices, call_of_users
from allowance.usage.records import OWN_SOURCE, Usage, key_digest_of


class Booked(NamedTuple):
    """Corrections booked, their sum, and the usages whose cost would be out of range."""

    corrected: int
    difference_micros: int
    out_of_range: int


def has_price(db: Handle, taken: Pass) -> bool:
    """Return whether a pass's model has a price at any time of its usage.

    No usage in the ledger is from more than an hour ahead.
    """
    span = taken.since, taken.turn_at + ONE_HOUR
    return any(each.terms is not None for each in db.rows_of(call_of_prices({taken.name: span})))


def correct(db: Handle, usages: Sequence[BookedUsage]) -> Booked:
    """Book the corrections of at least one usage of a model, all or none, and return the counts.

    A usage whose price is gone keeps its cost. Prices are read after the usages: they are never
    older than what another run booked. Raise UsageKeyTaken if another run has booked a correction
    of one of them since they were read.
    """
    name = usages[0].provider, usages[0].model
    times = [each.occurred_at for each in usages]
    found, users = db.in_one_trip(
        call_of_prices({name: (min(times), max(times))}),
        call_of_users({each.user_id for each in usages}),
    )
    prices = UsagePrices([name], found)
    entries: list[Entry] = []
    out_of_range = 0
    for booked in usages:
        try:
            rated = prices.rate(*name, booked.variant, booked.occurred_at, _tokens(booked))
        except UsageOutOfRange:
            out_of_range += 1
            continue
        if rated.cost_micros is None or rated.cost_micros == booked.booked_micros:
            continue
        entries.append(_correction(booked, rated, rated.cost_micros))
    if entries:
        write(db, entries, users)
    difference = sum(each.rated.cost_micros or 0 for each in entries)
    return Booked(len(entries), difference, out_of_range)


def _tokens(booked: BookedUsage) -> Tokens:
    return Tokens(
        booked.input_tokens,
        booked.output_tokens,
        booked.cache_read_tokens,
        booked.cache_write_tokens,
        booked.cache_write_1h_tokens,
    )


def _correction(booked: BookedUsage, rated: Rated, cost_micros: int) -> Entry:
    key = f"{booked.id}/{booked.corrections + 1}"
    usage = Usage(
        source=OWN_SOURCE,
        id=key,
        key_digest=key_digest_of(OWN_SOURCE, key),
        user=booked.user_id,
        provider=booked.provider,
        model=booked.model,
        variant=booked.variant,
        occurred_at=booked.occurred_at,
        tokens=Tokens(),
        content_sha256=sha256(f"{key} {cost_micros}".encode()).digest(),
    )
    return Entry(
        usage,
        Attribution(booked.user_id, booked.group_id, booked.organization_id),
        Rated(cost_micros - (booked.booked_micros or 0), rated.price, rated.rates, rated.tier),
        corrects=booked.id,
        unpriced_count=-1 if booked.booked_micros is None else 0,
    )
