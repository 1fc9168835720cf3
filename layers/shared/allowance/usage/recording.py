"""The one way into the ledger of usage: look up whom a batch concerns and what it costs, then
write, in two trips.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID

from allowance.access.handle import Handle
from allowance.contract.fields import UUID_FORM, Row
from allowance.database.arrays import uuids
from allowance.database.queries import Call, call
from allowance.errors import Problem, UsageKeyTaken, UsageOutOfRange
from allowance.prices.names import Candidate, candidates
from allowance.usage.fast_path import plain_usages
from allowance.usage.ledger import Entry, UsageUser, write
from allowance.usage.models import CONFLICT, NO_PRICE, RecordedStatus, UsageAnswer, rejected
from allowance.usage.rating import UsagePrice, UsagePrices
from allowance.usage.records import Usage, require_time, usage_of

UNKNOWN_USER = [Problem("user", "There is no such user.")]

ATTEMPTS = 5
"""Each is lost only to another call that records one of the same keys at the same time."""

candidates_of = lru_cache(maxsize=4096)(candidates)
"""The same few names come again and again."""


class Months(Row):
    """How many months were asked for."""

    months: int


class RecordedKey(Row):
    """A key with what it was recorded with."""

    key_digest: bytes
    content_sha256: bytes
    cost_micros: int | None


def record(db: Handle, records: Sequence[object], now: datetime) -> list[UsageAnswer]:
    """Record what is new, and answer each in order. Two trips, whatever the batch; fewer when
    nothing is new.

    Two more when another call records one of the keys meanwhile. Raises UsageKeyTaken when it
    happens again and again.
    """
    usages: dict[int, Usage] = {}
    unread: dict[int, UsageAnswer] = {}
    for place, plain in enumerate(plain_usages(records)):
        try:
            usage = plain or usage_of(records[place])
            require_time(usage, now)
        except UsageOutOfRange as error:
            unread[place] = rejected(error.problems)
        else:
            usages[place] = usage
    answers = unread | (_record(db, usages) if usages else {})
    return [answers[place] for place in range(len(records))]


def _record(db: Handle, usages: Mapping[int, Usage]) -> dict[int, UsageAnswer]:
    called, names, prices = _look_ups(usages.values())
    months = call(Months, "ensure_usage_months", moments=_months(usages.values()))
    keys = call_of_keys(usages.values())
    attempts = 0
    while True:
        # The longest answers last: none is under way before all is asked.
        _, found, users, known = db.all_in_one_trip(months, prices, called, keys)
        entries, answers = _decide(usages, users, known, UsagePrices(names, found))
        try:
            if entries:
                write(db, entries, users)
        except UsageKeyTaken:
            attempts += 1
            if attempts == ATTEMPTS:
                raise
        else:
            return answers


def _decide(
    usages: Mapping[int, Usage],
    users: Iterable[UsageUser],
    known: Iterable[RecordedKey],
    prices: UsagePrices,
) -> tuple[list[Entry], dict[int, UsageAnswer]]:
    """What is to be written, and what each is answered. The first that can be has the key; the
    others are compared.
    """
    attributions = {each.called: each.attribution for each in users}
    held = {each.key_digest: (each.content_sha256, each.cost_micros) for each in known}
    entries: list[Entry] = []
    answers: dict[int, UsageAnswer] = {}
    for place, usage in usages.items():
        if (before := held.get(usage.key_digest)) is not None:
            content, cost = before
            answers[place] = (
                _taken("duplicate", cost) if content == usage.content_sha256 else CONFLICT
            )
            continue
        attribution = attributions.get(usage.user)
        if attribution is None:
            answers[place] = rejected(UNKNOWN_USER)
            continue
        try:
            rated = prices.rate(
                usage.provider, usage.model, usage.variant, usage.occurred_at, usage.tokens
            )
        except UsageOutOfRange as error:
            answers[place] = rejected(error.problems)
            continue
        cost = rated.cost_micros
        held[usage.key_digest] = usage.content_sha256, cost
        entries.append(Entry(usage, attribution, rated, None, int(cost is None)))
        answers[place] = _taken("recorded", cost)
    return entries, answers


def _months(usages: Iterable[Usage]) -> list[datetime]:
    months = {(each.occurred_at.year, each.occurred_at.month) for each in usages}
    return [datetime(year, month, 1, tzinfo=UTC) for year, month in months]


def _look_ups(
    usages: Iterable[Usage],
) -> tuple[Call[UsageUser], list[tuple[str, str]], Call[UsagePrice]]:
    """The queries for users and prices, and the names that the prices speak of by their place."""
    spans: dict[tuple[str, str], tuple[datetime, datetime]] = {}
    for each in usages:
        name, moment = (each.provider, each.model), each.occurred_at
        since, until = spans.setdefault(name, (moment, moment))
        if moment < since or moment > until:
            spans[name] = min(since, moment), max(until, moment)
    return call_of_users({each.user for each in usages}), list(spans), call_of_prices(spans)


def call_of_keys(usages: Iterable[Usage]) -> Call[RecordedKey]:
    """The query for those of the keys that were recorded before."""
    return call(
        RecordedKey, "list_usage_keys", key_digests=uuids([each.key_digest for each in usages])
    )


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
    """The query for the prices of names between two times, both included; `place` is that in the
    mapping.
    """
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


def _taken(status: RecordedStatus, cost_micros: int | None) -> UsageAnswer:
    is_priced = cost_micros is not None
    return UsageAnswer(status, cost_micros, is_priced, [] if is_priced else NO_PRICE)
