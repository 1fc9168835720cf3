"""Write entries to the ledger: usages and corrections. Money is whole units of 1e-12 USD (picos).

A batch is one array per column, already in Postgres' binary format: psycopg would adapt arrays
value by value, which takes longer than writing a thousand entries. What entries have in common is
sent once.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

from allowance.access.handle import Handle
from allowance.contract.fields import Row
from allowance.database.arrays import Integers, byteas, integers, times, uuids
from allowance.database.queries import Call, call
from allowance.prices.terms import RATES, Rates
from allowance.usage.columns import EntryColumns, columns_of
from allowance.usage.entries import Entry, UsageUser
from allowance.usage.kept import Kept
from allowance.usage.labels import counted_labels
from allowance.usage.rating import Attribution
from allowance.usage.records import Usage
from allowance.usage.revisions import NO_USER, Change, changes_text, unattributed_text
from allowance.usage.settings import alert_thresholds

RATES_AND_TIER = {*RATES, "above_input_tokens"}

LINE = "\n"
"""Separates the texts of a column. No name contains it."""

MAX_BIGINT = (1 << 63) - 1


class Written(Row):
    """Entries are written. `settled` are the facts of each settlement, in order."""

    settled: list[Any] | None


def write(
    db: Handle,
    entries: Sequence[Entry],
    users: Iterable[UsageUser],
    settlements: Sequence[Mapping[str, Any]] = (),
    changes: Sequence[Change] = (),
    recorded_by: UUID | None = None,
) -> None:
    """Write entries, settle reservations, and raise an alert for each user who reaches a threshold.

    One round trip, all or nothing. Raise UsageKeyTaken if one of the keys is recorded already, or
    one of the usages changed meanwhile, ReservationChanged if one of the reservations was closed,
    and UsageMonthDropped if the month of a usage to change was dropped.
    """
    db.rows_of(call_of_entries(entries, users, settlements, changes, recorded_by))


def call_of_entries(
    entries: Sequence[Entry],
    users: Iterable[UsageUser],
    settlements: Sequence[Mapping[str, Any]] = (),
    changes: Sequence[Change] = (),
    recorded_by: UUID | None = None,
) -> Call[Written]:
    """Return the statement that writes entries, changes and settles, like `write`."""
    if not entries and not changes:
        return call(Written, "settle_recorded", settlements=json.dumps(settlements))
    if not entries:
        return call(
            Written,
            "change_usage",
            thresholds=list(alert_thresholds()),
            recorded_by=recorded_by,
            usage_changes=changes_text(changes),
        )
    nobodys = [
        each.usage
        for each in entries
        if each.attribution.user_id == NO_USER and each.corrects is None
    ]
    return call_of_columns(columns_of(entries), users, settlements, changes, recorded_by, nobodys)


def call_of_columns(
    entries: EntryColumns,
    users: Iterable[UsageUser],
    settlements: Sequence[Mapping[str, Any]] = (),
    changes: Sequence[Change] = (),
    recorded_by: UUID | None = None,
    nobodys: Iterable[Usage] = (),
) -> Call[Written]:
    """Return the statement that writes at least one entry. `nobodys` are the usages among them
    whose user is not known.
    """
    versions = [price and price.version_id for price in entries.prices]
    shared = (
        entries.sources,
        entries.providers,
        entries.models,
        entries.variants,
        entries.provider_names,
        versions,
        entries.tiers,
        entries.costs_from,
        entries.kept,
        entries.reasons,
    )
    numbers: dict[object, int] = {}
    kinds_of = [numbers.setdefault(kind, len(numbers)) for kind in zip(*shared, strict=True)]
    # Read backwards, the first entry of each kind is the one that stays.
    firsts = dict(zip(reversed(kinds_of), range(len(kinds_of) - 1, -1, -1), strict=True))
    people: dict[Attribution, int] = {}
    # Postgres counts the elements of an array from 1.
    persons = [people.setdefault(each, len(people) + 1) for each in entries.attributions]
    labels = entries.labels
    if any(entries.provider_names):
        counted = zip(labels, entries.providers, entries.provider_names, strict=True)
        labels = [counted_labels(*each) for each in counted]
    label_sets: dict[str, int] = {}
    label_sets_of = [
        label_sets.setdefault(each, len(label_sets) + 1) if each else None for each in labels
    ]
    by_user = {each.user_id: each for each in users if each.limit_source is not None}
    limited = by_user.values()
    known = [each for each in entries.costs if each is not None]
    are_large = max(max(known, default=0), -min(known, default=0)) > MAX_BIGINT
    inputs, outputs, reads, writes, long_writes = zip(*entries.tokens, strict=True)
    return call(
        Written,
        "record_usage",
        settlements=json.dumps(settlements) if settlements else None,
        thresholds=list(alert_thresholds()),
        limited_user_ids=_array([each.user_id for each in limited]),
        spend_limits=_array([each.spend_limit_micros for each in limited]),
        user_ids=_array([each.user_id for each in people]),
        group_ids=_array([each.group_id for each in people]),
        organization_ids=_array([each.organization_id for each in people]),
        kinds=json.dumps([_kind(number, entries, place) for number, place in firsts.items()]),
        label_sets=f"[{','.join(label_sets)}]",
        label_sets_of=_sparse(label_sets_of),
        ids=LINE.join(entries.ids),
        key_digests=uuids(entries.key_digests),
        content_sha256s=byteas(entries.contents, sha256().digest_size),
        moments=times(entries.occurred_at),
        persons=integers(persons),
        kinds_of=integers(kinds_of),
        input_tokens=integers(inputs),
        output_tokens=integers(outputs),
        cache_read_tokens=_sparse(reads),
        cache_write_tokens=_sparse(writes),
        cache_write_1h_tokens=_sparse(long_writes),
        other_units=_lines([json.dumps(dict(each)) if each else "" for each in entries.others]),
        costs=integers([] if are_large else entries.costs),
        large_costs=_amounts(entries.costs) if are_large else "",
        stated_costs=_amounts(entries.stated_costs),
        stated_differences=_amounts(entries.stated_differences),
        corrects=_sparse(entries.corrects),
        extra_counts=_sparse(entries.extra_counts),
        unpriced_counts=_sparse(entries.unpriced_counts),
        recorded_by=recorded_by,
        usage_changes=changes_text(changes),
        unattributed=unattributed_text(nobodys, changes),
    )


def _kind(number: int, entries: EntryColumns, place: int) -> dict[str, Any]:
    """Return what entries of the same source, model, variant, price and object have in common with
    the one at this place.
    """
    shared: dict[str, Any] = {
        "kind": number,
        "source": entries.sources[place],
        "provider": entries.providers[place],
        "model": entries.models[place],
        "variant": entries.variants[place],
        "provider_name": entries.provider_names[place],
    }
    reason, kept = entries.reasons[place], entries.kept[place]
    cost_from, price, rates = entries.costs_from[place], entries.prices[place], entries.rates[place]
    if reason is not None:
        shared["reason"] = reason
    if kept is not None:
        shared |= _kept(kept)
    if cost_from is not None:
        shared["cost_from"] = cost_from
    if price is None:
        return shared
    return shared | {
        "priced_provider": price.provider,
        "priced_model": price.model,
        "price_version_id": price.version_id,
        "rates": rates and _rates(rates),
    }


def _rates(rates: Rates) -> dict[str, Any]:
    stated = rates.model_dump(include=RATES_AND_TIER)
    stated["cache_read_price"] = rates.applied_cache_read_price
    if rates.unit_prices:
        stated["unit_prices"] = rates.unit_prices
    return stated


def _kept(kept: Kept) -> dict[str, Any]:
    if kept.usage_object is None:
        return {"usage_format": kept.usage_format}
    return {
        "usage_format": kept.usage_format,
        "usage_object": kept.usage_object,
        "unpriced_reasons": [{"field": each.field, "detail": each.detail} for each in kept.reasons],
    }


def _array(values: Iterable[int | str | None]) -> str:
    """Return the array literal of values that need no quotes: numbers, UUIDs, words."""
    return "{" + ",".join(map(str, values)) + "}"


def _amounts(values: Sequence[int | None]) -> str:
    """Return a column of amounts of any size as texts."""
    if values.count(None) == len(values):
        return ""
    return _lines(["" if each is None else str(each) for each in values])


def _lines(texts: Sequence[str]) -> str:
    """Return a column of texts, where an empty one is null: one a line, nothing if all are so."""
    return LINE.join(texts) if any(texts) else ""


def _sparse(values: Collection[int | None]) -> Integers:
    """Return a column that is mostly null or 0. It has no element at all if every value is so: the
    statement reads a missing element as null.
    """
    return integers(values if any(values) else ())
