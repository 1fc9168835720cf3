"""The one way into the ledger of usage: look up whom a batch concerns and what it costs, then write, in two trips."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal
from uuid import UUID

from allowance.database import Call, Database, call
from allowance.errors import Problem, UsageOutOfRange
from allowance.model_names import Candidate, candidates
from allowance.models import UUID_FORM, Row
from allowance.settings import alert_thresholds
from allowance.usage import NO_PRICE, OTHER_CONTENT, UsageAnswer, UsagePrice, UsagePrices, rejected
from allowance.usage_entries import Entry, KnownEntry, UsageUser, call_of_write
from allowance.usage_records import Usage, usage_of

UNKNOWN_USER = [Problem("user", "There is no such user.")]

candidates_of = lru_cache(maxsize=4096)(candidates)
"""The same few names come again and again."""


class Months(Row):
    """How many months were asked for."""

    months: int


class RecordedKey(Row):
    """A key with what it was recorded with."""

    source: str
    id: str
    content_sha256: str
    cost_micros: int | None


@dataclass(slots=True)
class _Batch:
    """A batch on its way: what is to be written, and what is answered already."""

    usages: dict[int, Usage] = field(default_factory=dict[int, Usage])
    answers: dict[int, UsageAnswer] = field(default_factory=dict[int, UsageAnswer])
    entries: dict[int, Entry] = field(default_factory=dict[int, Entry])
    users: list[UsageUser] = field(default_factory=list[UsageUser])


def record(db: Database, records: Sequence[object], now: datetime) -> list[UsageAnswer]:
    """Record what is new, and answer each in order. Two trips, whatever the batch; none when nothing can be read."""
    batch = _Batch()
    for place, each in enumerate(records):
        try:
            batch.usages[place] = usage_of(each, now)
        except UsageOutOfRange as error:
            batch.answers[place] = rejected(error.problems)
    if batch.usages:
        _rate(db, batch)
        _answer(batch, *_write(db, batch))
    return [batch.answers[place] for place in range(len(records))]


def _rate(db: Database, batch: _Batch) -> None:
    """Fill the entries, and the answers to what cannot be one. A key that comes again is taken once."""
    usages = batch.usages.values()
    called, names, prices = _look_ups(usages)
    _, batch.users, found = db.all_in_one_trip(
        call(Months, "ensure_usage_months", moments=_months(usages)),
        called,
        prices,
    )
    by_name = {each.called: each.attribution for each in batch.users}
    in_effect = UsagePrices(names, found)
    taken: set[tuple[str, str]] = set()
    for place, usage in batch.usages.items():
        if usage.key in taken:
            continue
        attribution = by_name.get(usage.user)
        if attribution is None:
            batch.answers[place] = rejected(UNKNOWN_USER)
            continue
        try:
            rated = in_effect.rate(usage.provider, usage.model, usage.variant, usage.occurred_at, usage.tokens)
        except UsageOutOfRange as error:
            batch.answers[place] = rejected(error.problems)
            continue
        taken.add(usage.key)
        batch.entries[place] = Entry(usage, attribution, rated)


def _write(db: Database, batch: _Batch) -> tuple[list[KnownEntry], list[RecordedKey]]:
    """Write the entries; answer those that were known, and what was recorded once of what cannot be an entry now."""
    refused = [usage for place, usage in batch.usages.items() if place in batch.answers]
    look_up = call(
        RecordedKey,
        "get_usage_keys",
        sources=[each.key[0] for each in refused],
        usage_ids=[each.key[1] for each in refused],
    )
    if not batch.entries:
        return [], db.rows_of(look_up)
    write = call_of_write(batch.entries, batch.users, alert_thresholds())
    if not refused:
        return db.rows_of(write), []
    return db.in_one_trip(write, look_up)


def _months(usages: Iterable[Usage]) -> list[datetime]:
    months = {(each.occurred_at.year, each.occurred_at.month) for each in usages}
    return [datetime(year, month, 1, tzinfo=UTC) for year, month in months]


def _look_ups(usages: Iterable[Usage]) -> tuple[Call[UsageUser], list[tuple[str, str]], Call[UsagePrice]]:
    """The queries for users and prices, and the names that the prices speak of by their place."""
    spans: dict[tuple[str, str], tuple[datetime, datetime]] = {}
    for each in usages:
        name, moment = (each.provider, each.model), each.occurred_at
        since, until = spans.setdefault(name, (moment, moment))
        if moment < since or moment > until:
            spans[name] = min(since, moment), max(until, moment)
    return call_of_users({each.user for each in usages}), list(spans), call_of_prices(spans)


def call_of_users(called: Iterable[str]) -> Call[UsageUser]:
    """The query for users by UUIDs, usernames and addresses, each called as it is given."""
    ids = [each for each in called if UUID_FORM.fullmatch(each)]
    return call(
        UsageUser,
        "find_usage_users",
        user_ids=[UUID(each) for each in ids],
        id_names=ids,
        usernames=[each for each in called if "@" not in each],
        emails=[each for each in called if "@" in each],
    )


def call_of_prices(spans: Mapping[tuple[str, str], tuple[datetime, datetime]]) -> Call[UsagePrice]:
    """The query for the prices of names between two times, both included; `place` is that in the mapping."""
    meant: list[tuple[int, Candidate]] = [
        (place, each) for place, name in enumerate(spans) for each in candidates_of(*name)
    ]
    return call(
        UsagePrice,
        "find_usage_prices",
        sinces=[since for since, _ in spans.values()],
        untils=[until for _, until in spans.values()],
        places=[place for place, _ in meant],
        providers=[each.provider for _, each in meant],
        models=[each.model for _, each in meant],
    )


def _answer(batch: _Batch, known: Iterable[KnownEntry], gone: Iterable[RecordedKey]) -> None:
    """Answer every record that could be read by what its key holds now."""
    earlier = {each.place: each for each in known}
    held = {(each.source, each.id): (each.content_sha256, each.cost_micros) for each in gone}
    for place, entry in batch.entries.items():
        if (before := earlier.get(place)) is None:
            held[entry.usage.key] = entry.usage.content_sha256, entry.rated.cost_micros
            batch.answers[place] = _taken("recorded", entry.rated.cost_micros)
        else:
            held[entry.usage.key] = before.content_sha256, before.cost_micros
    taken_at = {entry.usage.key: place for place, entry in batch.entries.items() if place not in earlier}
    for place in batch.usages.keys() - (batch.entries.keys() - earlier.keys()):
        usage = batch.usages[place]
        if usage.key not in held or taken_at.get(usage.key, -1) > place:
            continue  # refused, and answered so: nobody had taken its key before it
        content, cost = held[usage.key]
        is_same = content == usage.content_sha256
        batch.answers[place] = (
            _taken("duplicate", cost) if is_same else UsageAnswer(status="conflict", validations=OTHER_CONTENT)
        )


def _taken(status: Literal["recorded", "duplicate"], cost_micros: int | None) -> UsageAnswer:
    is_priced = cost_micros is not None
    return UsageAnswer(
        status=status, cost_micros=cost_micros, priced=is_priced, validations=[] if is_priced else NO_PRICE
    )
