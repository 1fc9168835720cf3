"""The only way into the ledger of usage, in two round trips: look up the users and prices of a
batch, then write. A third one, between them, looks up what is known of users who are not found.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from allowance.access.handle import Handle
from allowance.database.queries import Call
from allowance.errors import ReservationChanged, UsageKeyTaken, UsageMonthDropped, UsageOutOfRange
from allowance.usage.changing import Changes, Known, in_steps
from allowance.usage.columns import UsageColumns
from allowance.usage.deciding import Decided, decide, decide_plain
from allowance.usage.fast_path import plain_columns, plain_usages
from allowance.usage.ledger import call_of_columns, write
from allowance.usage.look_ups import (
    call_of_keys,
    call_of_months,
    call_of_prices,
    call_of_recorders,
    call_of_sources,
    call_of_users,
    groups_of,
    spans_of,
)
from allowance.usage.models import UsageAnswer, rejected, taken_back
from allowance.usage.rating import UsagePrices
from allowance.usage.records import Usage, Void, are_in_time, require_time, usage_of
from allowance.usage.revisions import Change
from allowance.usage.settling import NOBODY, Closer, Settling, call_of_reservations
from allowance.usage.unknown import (
    NO_RULES,
    BookedFor,
    Sent,
    SourceRules,
    booked_in,
    rules_of,
    unknown_in,
)

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
    columns = plain_columns(records)
    if columns is not None and are_in_time(columns.occurred_at, now):
        return _record_columns(db, columns, closer)
    usages: dict[int, Usage | Void] = {}
    results: dict[int, UsageAnswer] = {}
    for place, plain in enumerate(plain_usages(records)):
        try:
            usage = plain or usage_of(records[place])
            if not isinstance(usage, Void):
                require_time(usage, now)
        except UsageOutOfRange as error:
            results[place] = rejected(error.problems)
        else:
            usages[place] = usage
    if usages:
        steps, too_many = in_steps(usages)
        results |= too_many
        for step in steps:
            results |= _record(db, step, closer)
    return [results[place] for place in range(len(records))]


def _record_columns(db: Handle, usages: UsageColumns, closer: Closer) -> list[UsageAnswer]:
    """Record plain usages by columns, or like any others where that is not enough."""
    names = spans_of(usages.names, usages.occurred_at)
    named = zip(usages.users, usages.groups, strict=True)
    groups = {(user, group) for user, group in named if group is not None}
    _, *found = db.all_in_one_trip(
        call_of_months(usages.occurred_at),
        call_of_prices(names),
        call_of_users(set(usages.users), groups),
        call_of_keys(usages.key_digests),
    )
    prices, users, known = found
    if not known and (plain := decide_plain(usages, users, UsagePrices(list(names), prices))):
        entries, results = plain
        try:
            db.rows_of(call_of_columns(entries, users, recorded_by=closer.id))
        except (UsageKeyTaken, UsageMonthDropped):
            return _one_by_one(db, usages, closer, attempts=1)
        return results
    return _one_by_one(db, usages, closer, found)


def _one_by_one(
    db: Handle,
    usages: UsageColumns,
    closer: Closer,
    rows: Sequence[Sequence[Any]] | None = None,
    attempts: int = 0,
) -> list[UsageAnswer]:
    recorded = _record(db, dict(enumerate(usages.usages())), closer, rows, attempts)
    return [recorded[place] for place in range(len(usages.ids))]


def _record(
    db: Handle,
    usages: Mapping[int, Usage | Void],
    closer: Closer,
    rows: Sequence[Sequence[Any]] | None = None,
    attempts: int = 0,
) -> dict[int, UsageAnswer]:
    """Record usages by their places. `rows` are those of the look-ups, if they are known, and
    `attempts` were made before.
    """
    batch = Batch(usages, closer)
    while True:
        if rows is None:
            # The longest result last: all queries are sent before any result arrives.
            _, *rows = db.all_in_one_trip(batch.months, *batch.look_ups)
        rules = rules_of(db, *batch.unknown(rows))
        entries, results, users, settlements, changes = batch.decide(rows, rules)
        try:
            if entries or changes:
                write(db, entries, users, settlements, changes, closer.id)
        except (UsageKeyTaken, UsageMonthDropped, ReservationChanged):
            attempts += 1
            if attempts == ATTEMPTS:
                raise
            rows = None
        else:
            return results


class Batch:
    """Usages by their places, and the queries for what recording them needs."""

    def __init__(self, usages: Mapping[int, Usage | Void], closer: Closer = NOBODY) -> None:
        self._usages = {place: each for place, each in usages.items() if not isinstance(each, Void)}
        self._voids = {place: each for place, each in usages.items() if isinstance(each, Void)}
        self._closer = closer
        with_content = self._usages.values()
        self._reservations = call_of_reservations(with_content, closer)
        self._recorders = call_of_recorders(usages.values())
        times = [each.occurred_at for each in with_content]
        names = spans_of(((each.provider, each.model) for each in with_content), times)
        self._names = list(names)
        self.months = call_of_months(times)
        self.look_ups: tuple[Call[Any], ...] = (
            *self._reservations,
            *self._recorders,
            *call_of_sources(with_content),
            call_of_prices(names),
            call_of_users({each.user for each in with_content}, groups_of(with_content)),
            call_of_keys([each.key_digest for each in usages.values()]),
        )

    def unknown(self, rows: Sequence[Sequence[Any]]) -> tuple[set[Sent], list[BookedFor]]:
        """Return the names of usages to record that no user has, or several have, and the users for
        whom usages to amend are booked.
        """
        *_, users, known = rows
        usages, recorders = self._usages.values(), rows[len(self._reservations) :]
        names = unknown_in(usages, users, {each.key_digest for each in known})
        return names, booked_in(usages, recorders[: len(self._recorders)])

    def decide(self, rows: Sequence[Sequence[Any]], rules: SourceRules = NO_RULES) -> Decided:
        """Return what to write, by the rows of the look-ups and the rules for unknown names."""
        named, rows = rows[: len(self._reservations)], rows[len(self._reservations) :]
        recorders, rows = rows[: len(self._recorders)], rows[len(self._recorders) :]
        *stated, found, users, known = rows
        by_record = {
            each.source for sources in stated for each in sources if each.cost_from == "record"
        }
        settling = Settling((each for rows in named for each in rows), self._closer)
        changes = Changes((each for rows in recorders for each in rows), self._closer)
        held = {each.key_digest: Known.of(each) for each in known}
        everybody, prices = [*users, *rules.users], UsagePrices(self._names, found)
        decided = decide(self._usages, everybody, held, prices, by_record, settling, changes, rules)
        for place, void in self._voids.items():
            made = changes.decide(void, held.get(void.key_digest))
            if isinstance(made, Change):
                decided.changes.append(made)
            decided.results[place] = taken_back("voided") if isinstance(made, Change) else made
        return decided
