"""The one way into the ledger of usage: look up whom a batch concerns and what it costs, then write, in two trips."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from allowance.database import Call, Database, call
from allowance.errors import Problem, UsageOutOfRange
from allowance.model_names import Candidate, candidates
from allowance.models import UUID_FORM, Row
from allowance.usage import (
    NO_PRICE,
    OTHER_CONTENT,
    Attribution,
    Rated,
    Usage,
    UsageAnswer,
    UsagePrice,
    UsagePrices,
    rejected,
    usage_of,
)

UNKNOWN_USER = [Problem("user", "There is no such user.")]

candidates_of = lru_cache(maxsize=4096)(candidates)
"""The same few names come again and again."""


class UsageUser(Row):
    """A user by what the batch calls them, and what their spend counts against now."""

    called: str
    user_id: str
    group_id: str
    organization_id: str

    @property
    def attribution(self) -> Attribution:
        """Without the name."""
        return Attribution(self.user_id, self.group_id, self.organization_id)


class Months(Row):
    """How many months were asked for."""

    months: int


class Written(Row):
    """The entries that were new, by their places among those that were sent."""

    places: list[int]


class RecordedKey(Row):
    """A key with what it was recorded with."""

    source: str
    id: str
    content_sha256: bytes
    cost_micros: int | None
    priced: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """What is written: of a usage, or of a correction of the usage whose entry it names."""

    usage: Usage
    attribution: Attribution
    rated: Rated
    corrects: int | None = None
    unpriced_change: int | None = None

    @property
    def unpriced_count(self) -> int:
        """How it changes the number of usages without a cost."""
        return int(self.rated.cost_micros is None) if self.unpriced_change is None else self.unpriced_change


@dataclass(slots=True)
class _Batch:
    """A batch on its way: what is to be written, and what is answered already."""

    usages: dict[int, Usage] = field(default_factory=dict[int, Usage])
    answers: dict[int, UsageAnswer] = field(default_factory=dict[int, UsageAnswer])
    entries: dict[int, Entry] = field(default_factory=dict[int, Entry])


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
        written, earlier = db.in_one_trip(
            call_of_write(batch.entries),
            call(
                RecordedKey,
                "get_usage_keys",
                keys=json.dumps([{"source": each.source, "id": each.id} for each in batch.usages.values()]),
            ),
        )
        _answer(batch, set(written[0].places), earlier)
    return [batch.answers[place] for place in range(len(records))]


def _rate(db: Database, batch: _Batch) -> None:
    """Fill the entries, and the answers to what cannot be one. A key that comes again is taken once."""
    usages = batch.usages.values()
    called, names, prices = _look_ups(usages)
    _, users, found = db.all_in_one_trip(
        call(Months, "ensure_usage_months", moments=list({_first_of_month(each.occurred_at) for each in usages})),
        called,
        prices,
    )
    by_name: dict[str, UsageUser] = {each.called: each for each in users}
    in_effect = UsagePrices(names, found)
    taken: set[tuple[str, str]] = set()
    for place, usage in batch.usages.items():
        if usage.key in taken:
            continue
        if usage.user not in by_name:
            batch.answers[place] = rejected(UNKNOWN_USER)
            continue
        try:
            rated = in_effect.rate(usage.provider, usage.model, usage.variant, usage.occurred_at, usage.tokens)
        except UsageOutOfRange as error:
            batch.answers[place] = rejected(error.problems)
            continue
        taken.add(usage.key)
        batch.entries[place] = Entry(usage, by_name[usage.user].attribution, rated)


def _first_of_month(moment: datetime) -> datetime:
    return datetime(moment.year, moment.month, 1, tzinfo=UTC)


def _look_ups(usages: Iterable[Usage]) -> tuple[Call[UsageUser], list[tuple[str, str]], Call[UsagePrice]]:
    """The queries for users and prices, and the names that the prices speak of by their place."""
    called = {each.user for each in usages}
    ids = [each for each in called if UUID_FORM.fullmatch(each)]
    spans: dict[tuple[str, str], tuple[datetime, datetime]] = {}
    for each in usages:
        name = each.provider, each.model
        since, until = spans.get(name, (each.occurred_at, each.occurred_at))
        spans[name] = min(since, each.occurred_at), max(until, each.occurred_at)
    users = call(
        UsageUser,
        "find_usage_users",
        user_ids=[UUID(each) for each in ids],
        id_names=ids,
        usernames=[each for each in called if "@" not in each],
        emails=[each for each in called if "@" in each],
    )
    return users, list(spans), call_of_prices(spans)


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


def call_of_write(entries: Mapping[int, Entry]) -> Call[Written]:
    """The statement that writes entries by their place: all or nothing, each key once."""
    rows = [_row(place, entry) for place, entry in entries.items()]
    return call(Written, "record_usage", entries=json.dumps(rows, separators=(",", ":")))


def _row(place: int, entry: Entry) -> dict[str, Any]:
    """The columns that are not null, as JSON: one text is much cheaper to send than two dozen arrays."""
    usage, attribution, rated = entry.usage, entry.attribution, entry.rated
    row: dict[str, Any] = {
        "input_tokens": usage.tokens.input,
        "output_tokens": usage.tokens.output,
        "cache_read_tokens": usage.tokens.cache_read,
        "cache_write_tokens": usage.tokens.cache_write,
        "cache_write_1h_tokens": usage.tokens.cache_write_1h,
        "place": place,
        "source": usage.source,
        "id": usage.id,
        "content_sha256": usage.content_sha256.hex(),
        "reason": "usage" if entry.corrects is None else "rerate",
        "user_id": attribution.user_id,
        "group_id": attribution.group_id,
        "organization_id": attribution.organization_id,
        "provider": usage.provider,
        "model": usage.model,
        "usage_count": int(entry.corrects is None),
        "unpriced_usage_count": entry.unpriced_count,
        "occurred_at": usage.occurred_at.isoformat(),
    }
    if entry.corrects is not None:
        row["corrects"] = entry.corrects
    if usage.variant is not None:
        row["variant"] = usage.variant
    if rated.price is not None:
        row |= {
            "priced_provider": rated.price.provider,
            "priced_model": rated.price.model,
            "price_version_id": rated.price.version_id,
            "rates": rated.rates,
            "cost_micros": rated.cost_micros,
        }
    return row


def _answer(batch: _Batch, written: set[int], earlier: Sequence[RecordedKey]) -> None:
    """Answer every record that could be read by what its key holds now."""
    held = {(each.source, each.id): (each.content_sha256, each.cost_micros) for each in earlier}
    for place in written:
        entry = batch.entries[place]
        held[entry.usage.key] = entry.usage.content_sha256, entry.rated.cost_micros
    for place, usage in batch.usages.items():
        if usage.key not in held:
            continue  # refused, and answered so
        content, cost = held[usage.key]
        if content != usage.content_sha256:
            batch.answers[place] = UsageAnswer(status="conflict", validations=OTHER_CONTENT)
            continue
        batch.answers[place] = UsageAnswer(
            status="recorded" if place in written else "duplicate",
            cost_micros=cost,
            priced=cost is not None,
            validations=[] if cost is not None else NO_PRICE,
        )
