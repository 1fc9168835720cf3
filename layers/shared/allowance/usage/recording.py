"""The only way into the ledger of usage, in two round trips: look up the users and prices of a
batch, then write.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID

from allowance.access.handle import Handle
from allowance.contract.fields import UUID_FORM, Row
from allowance.database.arrays import uuids
from allowance.database.queries import Call, call
from allowance.errors import Problem, UsageKeyTaken, UsageMonthDropped, UsageOutOfRange
from allowance.prices.names import Candidate, candidates
from allowance.usage.fast_path import plain_usages
from allowance.usage.ledger import Entry, UsageUser, write
from allowance.usage.models import (
    CONFLICT,
    UsageAnswer,
    held_result,
    rejected,
)
from allowance.usage.rating import UNPRICED, CostFrom, Rated, UsagePrice, UsagePrices
from allowance.usage.records import Usage, require_time, usage_of

UNKNOWN_USER = [Problem("user", "There is no such user.")]

ATTEMPTS = 5
"""An attempt fails only if meanwhile another request records one of the same keys, or ExpireUsage
drops one of the months, which the next attempt recreates.
"""

candidates_of = lru_cache(maxsize=4096)(candidates)
"""Cached, because the same few names come again and again."""


class Months(Row):
    """The number of months of a batch."""

    months: int


class SourceCosts(Row):
    """Where the costs of a source's usage come from."""

    source: str
    cost_from: CostFrom


class RecordedKey(Row):
    """A recorded key, with its content and cost."""

    key_digest: bytes
    content_sha256: bytes
    cost_picos: int | None


def record(db: Handle, records: Sequence[object], now: datetime) -> list[UsageAnswer]:
    """Record what is new, and return the result of each record, in order.

    Two round trips for any batch, fewer if nothing is new. Two more each time another request
    records one of the keys meanwhile, or one of the months is dropped. Raise UsageKeyTaken or
    UsageMonthDropped after ATTEMPTS of that.
    """
    usages: dict[int, Usage] = {}
    refused: dict[int, UsageAnswer] = {}
    for place, plain in enumerate(plain_usages(records)):
        try:
            usage = plain or usage_of(records[place])
            require_time(usage, now)
        except UsageOutOfRange as error:
            refused[place] = rejected(error.problems)
        else:
            usages[place] = usage
    results = refused | (_record(db, usages) if usages else {})
    return [results[place] for place in range(len(records))]


def _record(db: Handle, usages: Mapping[int, Usage]) -> dict[int, UsageAnswer]:
    users_by_name, names, prices = _look_ups(usages.values())
    months = call(Months, "ensure_usage_months", moments=_months(usages.values()))
    keys = call_of_keys(usages.values())
    sources = _call_of_sources(usages.values())
    attempts = 0
    while True:
        # The longest result last: all queries are sent before any result arrives.
        *stated, _, found, users, known = db.all_in_one_trip(
            *sources, months, prices, users_by_name, keys
        )
        by_record = {each.source for rows in stated for each in rows if each.cost_from == "record"}
        entries, results = _decide(usages, users, known, UsagePrices(names, found), by_record)
        try:
            if entries:
                write(db, entries, users)
        except (UsageKeyTaken, UsageMonthDropped):
            attempts += 1
            if attempts == ATTEMPTS:
                raise
        else:
            return results


def _decide(
    usages: Mapping[int, Usage],
    users: Iterable[UsageUser],
    known: Iterable[RecordedKey],
    prices: UsagePrices,
    by_record: Collection[str],
) -> tuple[list[Entry], dict[int, UsageAnswer]]:
    """Return the entries to write, and the result of each usage.

    Usage of the sources `by_record` costs what its record states. Of usages with the same key, the
    first valid one is recorded; the others are compared with it.
    """
    attributions = {each.name: each.attribution for each in users}
    held = {each.key_digest: (each.content_sha256, each.cost_picos) for each in known}
    entries: list[Entry] = []
    results: dict[int, UsageAnswer] = {}
    for place, usage in usages.items():
        if (before := held.get(usage.key_digest)) is not None:
            content, cost = before
            is_same = content == usage.content_sha256
            results[place] = held_result("duplicate", cost, usage) if is_same else CONFLICT
            continue
        attribution = attributions.get(usage.user)
        if attribution is None:
            results[place] = rejected(UNKNOWN_USER)
            continue
        try:
            if usage.stated_cost_picos is not None and usage.source in by_record:
                rated = Rated(usage.stated_cost_picos, cost_from="record")
            elif usage.kept is not None:
                rated = UNPRICED
            else:
                rated = prices.rate(
                    usage.provider,
                    usage.model,
                    usage.variant,
                    usage.occurred_at,
                    usage.tokens,
                    usage.others,
                    usage.extra_requests + 1,
                )
        except UsageOutOfRange as error:
            results[place] = rejected(error.problems)
            continue
        cost = rated.cost_picos
        held[usage.key_digest] = usage.content_sha256, cost
        unpriced_count = usage.extra_requests + 1 if cost is None else 0
        difference = rated.stated_difference(usage.stated_cost_picos)
        entries.append(Entry(usage, attribution, rated, None, unpriced_count, difference))
        results[place] = held_result("recorded", cost, usage, rated.unpriced)
    return entries, results


def _months(usages: Iterable[Usage]) -> list[datetime]:
    months = {(each.occurred_at.year, each.occurred_at.month) for each in usages}
    return [datetime(year, month, 1, tzinfo=UTC) for year, month in months]


def _look_ups(
    usages: Iterable[Usage],
) -> tuple[Call[UsageUser], list[tuple[str, str]], Call[UsagePrice]]:
    """Return the query for users, the names of models, and the query for their prices.

    A price refers to its name by its place in the list.
    """
    spans: dict[tuple[str, str], tuple[datetime, datetime]] = {}
    for each in usages:
        name, time = (each.provider, each.model), each.occurred_at
        since, until = spans.setdefault(name, (time, time))
        if time < since or time > until:
            spans[name] = min(since, time), max(until, time)
    return call_of_users({each.user for each in usages}), list(spans), call_of_prices(spans)


def _call_of_sources(usages: Iterable[Usage]) -> list[Call[SourceCosts]]:
    """Return the query for the sources that state costs, none if no usage states one."""
    sources = {each.source for each in usages if each.stated_cost_picos is not None}
    return [call(SourceCosts, "find_usage_sources", sources=list(sources))] if sources else []


def call_of_keys(usages: Iterable[Usage]) -> Call[RecordedKey]:
    """Return the query for the keys that are recorded already."""
    return call(
        RecordedKey, "list_usage_keys", key_digests=uuids([each.key_digest for each in usages])
    )


def call_of_users(names: Iterable[str]) -> Call[UsageUser]:
    """Return the query for users by UUID, username or email address. Each row has its `name`."""
    ids = [each for each in names if UUID_FORM.fullmatch(each)]
    return call(
        UsageUser,
        "find_usage_users",
        user_ids=[UUID(each) for each in ids],
        id_names=ids,
        usernames=[each for each in names if "@" not in each],
        emails=[each for each in names if "@" in each],
    )


def call_of_prices(spans: Mapping[tuple[str, str], tuple[datetime, datetime]]) -> Call[UsagePrice]:
    """Return the query for the prices of names between two times, both inclusive.

    `place` of a row is the place of its name in the mapping.
    """
    possible: list[tuple[int, Candidate]] = [
        (place, each) for place, name in enumerate(spans) for each in candidates_of(*name)
    ]
    return call(
        UsagePrice,
        "find_usage_prices",
        named_providers=[provider for provider, _ in spans],
        named_models=[model for _, model in spans],
        sinces=[since for since, _ in spans.values()],
        untils=[until for _, until in spans.values()],
        places=[place for place, _ in possible],
        providers=[each.provider for _, each in possible],
        models=[each.model for _, each in possible],
    )
