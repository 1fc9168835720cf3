"""The only way into the ledger of usage, in two round trips: look up the users and prices of a
batch, then write.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from allowance.access.handle import Handle
from allowance.database.queries import Call
from allowance.errors import (
    Problem,
    ReservationChanged,
    UsageKeyTaken,
    UsageMonthDropped,
    UsageOutOfRange,
)
from allowance.usage.fast_path import plain_usages
from allowance.usage.ledger import Entry, UsageUser, write
from allowance.usage.look_ups import (
    RecordedKey,
    call_of_keys,
    call_of_months,
    call_of_sources,
    look_ups_of,
)
from allowance.usage.models import (
    CONFLICT,
    OTHER_GROUP,
    UsageAnswer,
    held_result,
    rejected,
)
from allowance.usage.rating import UNPRICED, Rated, UsagePrices
from allowance.usage.records import Usage, require_time, usage_of
from allowance.usage.settling import NOBODY, Closer, Settling, call_of_reservations

UNKNOWN_USER = [Problem("user", "There is no such user.")]

ATTEMPTS = 5
"""An attempt fails only if meanwhile another request records one of the same keys, or ExpireUsage
drops one of the months, which the next attempt recreates.
"""


def record(
    db: Handle, records: Sequence[object], now: datetime, closer: Closer
) -> list[UsageAnswer]:
    """Record what is new, and return the result of each record, in order.

    Two round trips for any batch, fewer if nothing is new. Two more each time another request
    records one of the keys or closes one of the reservations meanwhile, or one of the months is
    dropped. Raise UsageKeyTaken, ReservationChanged or UsageMonthDropped after ATTEMPTS of that.
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
    results = refused | (_record(db, usages, closer) if usages else {})
    return [results[place] for place in range(len(records))]


def _record(db: Handle, usages: Mapping[int, Usage], closer: Closer) -> dict[int, UsageAnswer]:
    batch = Batch(usages, closer)
    attempts = 0
    while True:
        # The longest result last: all queries are sent before any result arrives.
        _, *rows = db.all_in_one_trip(call_of_months(usages.values()), *batch.look_ups)
        entries, results, users, settlements = batch.decide(rows)
        try:
            if entries:
                write(db, entries, users, settlements)
        except (UsageKeyTaken, UsageMonthDropped, ReservationChanged):
            attempts += 1
            if attempts == ATTEMPTS:
                raise
        else:
            return results


class Decided(NamedTuple):
    """The entries to write, the result of each usage by its place, the users of the batch, and the
    reservations that entries settle.
    """

    entries: list[Entry]
    results: dict[int, UsageAnswer]
    users: list[UsageUser]
    settlements: list[Mapping[str, Any]]


class Batch:
    """Usages by their places, and the queries for what recording them needs."""

    def __init__(self, usages: Mapping[int, Usage], closer: Closer = NOBODY) -> None:
        self._usages = usages
        self._closer = closer
        self._reservations = call_of_reservations(usages.values(), closer)
        users, self._names, prices = look_ups_of(usages.values())
        self.look_ups: tuple[Call[Any], ...] = (
            *self._reservations,
            *call_of_sources(usages.values()),
            prices,
            users,
            call_of_keys(usages.values()),
        )

    def decide(self, rows: Sequence[Sequence[Any]]) -> Decided:
        """Return what to write, given the rows of the look-ups in their order."""
        named, rows = rows[: len(self._reservations)], rows[len(self._reservations) :]
        *stated, found, users, known = rows
        by_record = {
            each.source for sources in stated for each in sources if each.cost_from == "record"
        }
        settling = Settling((each for rows in named for each in rows), self._closer)
        entries, results = _decide(
            self._usages, users, known, UsagePrices(self._names, found), by_record, settling
        )
        return Decided(entries, results, list(users), settling.settlements)


def _decide(
    usages: Mapping[int, Usage],
    users: Iterable[UsageUser],
    known: Iterable[RecordedKey],
    prices: UsagePrices,
    by_record: Collection[str],
    settling: Settling,
) -> tuple[list[Entry], dict[int, UsageAnswer]]:
    """Return the entries to write, and the result of each usage.

    Usage of the sources `by_record` costs what its record states. Of usages with the same key, the
    first valid one is recorded; the others are compared with it.
    """
    attributions = {(each.name, each.named_group): each.attribution for each in users}
    held = {each.key_digest: (each.content_sha256, each.cost_picos) for each in known}
    entries: list[Entry] = []
    results: dict[int, UsageAnswer] = {}
    for place, usage in usages.items():
        if (before := held.get(usage.key_digest)) is not None:
            content, cost = before
            is_same = content == usage.content_sha256
            results[place] = held_result("duplicate", cost, usage) if is_same else CONFLICT
            continue
        attribution = attributions.get((usage.user, usage.group))
        is_other_group = attribution is None
        if attribution is None and (attribution := attributions.get((usage.user, None))) is None:
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
            unsettled = settling.settle(usage, attribution.user_id, rated.cost_picos)
        except UsageOutOfRange as error:
            results[place] = rejected(error.problems)
            continue
        cost = rated.cost_picos
        held[usage.key_digest] = usage.content_sha256, cost
        unpriced_count = usage.extra_requests + 1 if cost is None else 0
        difference = rated.stated_difference(usage.stated_cost_picos)
        entries.append(Entry(usage, attribution, rated, None, unpriced_count, difference))
        results[place] = held_result("recorded", cost, usage, rated.unpriced)
        said = (*unsettled, OTHER_GROUP) if is_other_group else unsettled
        if said:
            results[place].validations = [*results[place].validations, *said]
    return entries, results
