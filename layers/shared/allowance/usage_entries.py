"""Entries of the ledger on their way into it: what is written of a usage, or of a correction, and in which form.

A batch is sent as one array for each column, and what its entries have in common once: psycopg would adapt the arrays
value by value, which takes longer than to write a thousand entries.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from allowance.budget import LimitSource
from allowance.database import Call, call
from allowance.models import Row
from allowance.terms import RATES
from allowance.usage import Attribution, Rated
from allowance.usage_records import Usage

RATES_AND_TIER = {*RATES, "above_input_tokens"}

LINE = "\n"
"""Stands between the texts of a column: no name has one in it."""


class Entry(NamedTuple):
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


class UsageUser(Row):
    """A user by what the batch calls them, what their spend counts against now, and the limit."""

    called: str
    user_id: str
    group_id: str
    organization_id: str
    spend_limit_micros: int | None
    limit_source: LimitSource | None

    @property
    def attribution(self) -> Attribution:
        """Whom a usage of now counts against."""
        return Attribution(self.user_id, self.group_id, self.organization_id)


class KnownEntry(Row):
    """An entry, by its place, whose key was taken before, with what it was recorded with."""

    place: int
    content_sha256: str
    cost_micros: int | None


def call_of_write(
    entries: Mapping[int, Entry], users: Iterable[UsageUser], thresholds: Sequence[int]
) -> Call[KnownEntry]:
    """The statement that writes entries by their place: all or nothing, each key once. Answers those that were known.

    There is one entry at least. It raises an alert for each of the users who comes to a threshold, in percent of the
    limit.
    """
    usages = [each.usage for each in entries.values()]
    inputs, outputs, reads, writes, long_writes = zip(*(each.tokens for each in usages), strict=True)
    people: dict[Attribution, int] = {}
    kinds: dict[tuple[object, ...], int] = {}
    firsts: list[Entry] = []
    kind_of_each: list[int] = []
    for each in entries.values():
        usage, rated = each.usage, each.rated
        version = None if rated.price is None else rated.price.version_id
        kind = usage.key[0], usage.provider, usage.model, usage.variant, version, rated.tier
        if kind not in kinds:
            kinds[kind] = len(firsts)
            firsts.append(each)
        kind_of_each.append(kinds[kind])
    person_of_each = [people.setdefault(each.attribution, len(people)) for each in entries.values()]
    return call(
        KnownEntry,
        "record_usage",
        thresholds=list(thresholds),
        budgets=json.dumps(
            [each.model_dump(exclude={"called"}) for each in users if thresholds and each.limit_source is not None]
        ),
        people=json.dumps([{"person": person} | who._asdict() for who, person in people.items()]),
        kinds=json.dumps([_kind(number, first) for number, first in enumerate(firsts)]),
        places=_array(entries),
        ids=LINE.join([each.key[1] for each in usages]),
        content_sha256s=LINE.join([each.content_sha256 for each in usages]),
        moments=_array([each.moment for each in usages]),
        persons=_array(person_of_each),
        kinds_of=_array(kind_of_each),
        input_tokens=_array(inputs),
        output_tokens=_array(outputs),
        cache_read_tokens=_array(reads),
        cache_write_tokens=_array(writes),
        cache_write_1h_tokens=_array(long_writes),
        costs=_array_with_nulls([each.rated.cost_micros for each in entries.values()]),
        corrects=_array_with_nulls([each.corrects for each in entries.values()]),
        unpriced_counts=_array([each.unpriced_count for each in entries.values()]),
    )


def _kind(number: int, first: Entry) -> dict[str, Any]:
    """What the entries have in common that are of one name, kind of processing and price."""
    usage, rated = first.usage, first.rated
    shared = {
        "kind": number,
        "source": usage.key[0],
        "provider": usage.provider,
        "model": usage.model,
        "variant": usage.variant,
    }
    if rated.price is None:
        return shared
    return shared | {
        "priced_provider": rated.price.provider,
        "priced_model": rated.price.model,
        "price_version_id": rated.price.version_id,
        "rates": rated.rates and rated.rates.model_dump(include=RATES_AND_TIER),
    }


def _array(values: Iterable[int | str]) -> str:
    """A literal of numbers or times."""
    return "{" + ",".join(map(str, values)) + "}"


def _array_with_nulls(values: Iterable[int | None]) -> str:
    return _array(["NULL" if each is None else each for each in values])
