"""Corrections: entries that bring usages to what they cost at the current prices.

A correction is another entry, in the period of its usage: the difference to the sum that is booked
already. If the object of a usage was not read whole, it is read again, and the correction has the
tokens that are new. Its key is the corrected entry and the number of its corrections. So only one
of two concurrent runs books it, and a repeated run books nothing.
"""

from collections.abc import Sequence
from hashlib import sha256
from operator import sub
from typing import NamedTuple

from allowance.access.handle import Handle
from allowance.errors import UsageOutOfRange
from allowance.prices.cost import Tokens
from allowance.prices.units import NO_OTHERS, OTHER_UNITS, OtherUnit, OtherUnits
from allowance.usage.entries import Entry
from allowance.usage.kept import Kept, Understood, understand
from allowance.usage.labels import labels_text
from allowance.usage.ledger import write
from allowance.usage.look_ups import call_of_prices, call_of_users
from allowance.usage.passes import ONE_HOUR, BookedUsage, Pass
from allowance.usage.rating import Attribution, Rated, UsagePrices
from allowance.usage.record_shape import OWN_SOURCE
from allowance.usage.records import Usage, key_digest_of


class Booked(NamedTuple):
    """Corrections booked, their sum, and the usages whose cost would be out of range."""

    corrected: int
    difference_picos: int
    out_of_range: int


def has_price(db: Handle, taken: Pass) -> bool:
    """Return whether a pass's model has a price at any time of its usage.

    No usage in the ledger is from more than an hour ahead.
    """
    span = taken.since, taken.turn_at + ONE_HOUR
    found = db.rows_of(call_of_prices({taken.name: span}))
    return any(each.free or each.terms is not None for each in found)


def correct(db: Handle, usages: Sequence[BookedUsage]) -> Booked:
    """Book the corrections of at least one usage of a model, all or none, and return the counts.

    A usage whose price is gone has no cost again. Prices are read after the usages: they are never
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
        if (counted := _counted(booked)) is None:
            continue
        try:
            rated = prices.rate(
                *name,
                counted.variant,
                booked.occurred_at,
                counted.tokens,
                counted.others,
                counted.requests,
            )
        except UsageOutOfRange:
            out_of_range += 1
            continue
        is_unpriced = rated.cost_picos is None and booked.booked_picos is None
        if is_unpriced or (rated.cost_picos, *_counts(counted)) == (
            booked.booked_picos,
            *_counts(_of(booked)),
        ):
            continue
        entries.append(_correction(booked, counted, rated))
    if entries:
        write(db, entries, users)
    difference = sum(each.rated.cost_picos or 0 for each in entries)
    return Booked(len(entries), difference, out_of_range)


def _counted(booked: BookedUsage) -> Understood | None:
    """Return what was used, from the object of the usage if it has one. None: the object is still
    not read whole.
    """
    if booked.usage_format is None or booked.usage_object is None:
        return _of(booked)
    try:
        read = understand(
            booked.usage_format,
            booked.usage_object,
            booked.provider,
            booked.model,
            booked.variant,
            booked.usage_count,
        )
    except UsageOutOfRange:
        return None
    return None if read.reasons else read


def _of(booked: BookedUsage) -> Understood:
    return Understood(
        booked.tokens, booked.variant, (), booked.other_units or NO_OTHERS, booked.usage_count
    )


def _counts(counted: Understood) -> tuple[Tokens, OtherUnits, int]:
    return counted.tokens, counted.others, counted.requests


def _correction(booked: BookedUsage, counted: Understood, rated: Rated) -> Entry:
    new_tokens = map(sub, counted.tokens, booked.tokens)
    before, cost = booked.booked_picos, rated.cost_picos
    unpriced = counted.requests if cost is None else 0
    stated = booked.stated_cost_picos
    key = f"{booked.id}/{booked.corrections + 1}"
    usage = Usage(
        source=OWN_SOURCE,
        id=key,
        key_digest=key_digest_of(OWN_SOURCE, key),
        user=booked.user_id,
        provider=booked.provider,
        model=booked.model,
        variant=counted.variant,
        occurred_at=booked.occurred_at,
        # A difference may be negative, so it skips the checks of Tokens.
        tokens=Tokens._make(new_tokens),
        content_sha256=sha256(f"{key} {cost}".encode()).digest(),
        kept=booked.usage_format and Kept(booked.usage_format),
        others=_difference(counted.others, booked.other_units or NO_OTHERS),
        extra_requests=counted.requests - booked.usage_count,
        labels=labels_text(booked.labels),
        provider_name=booked.provider_name,
    )
    return Entry(
        usage,
        Attribution(booked.user_id, booked.group_id, booked.organization_id),
        rated._replace(cost_picos=(cost or 0) - (before or 0)),
        corrects=booked.id,
        unpriced_count=unpriced - booked.unpriced_usage_count,
        stated_difference_picos=(
            None if stated is None else _beyond(cost, stated) - _beyond(before, stated)
        ),
    )


def _beyond(cost_picos: int | None, stated_picos: int) -> int:
    """Return the cost less the stated one; 0 of a usage without a cost, which is not compared."""
    return 0 if cost_picos is None else cost_picos - stated_picos


def _difference(units: OtherUnits, booked: OtherUnits) -> OtherUnits:
    """Return what is new, by unit: it may be negative."""
    changes: dict[OtherUnit, int] = {}
    for unit in OTHER_UNITS:
        if change := units.get(unit, 0) - booked.get(unit, 0):
            changes[unit] = change
    return changes
