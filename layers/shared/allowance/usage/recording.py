"""The only way into the ledger of usage, in two round trips: look up the users and prices of a
batch, then write. A third one, between them, looks up what is known of users who are not found.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from allowance.access.handle import Handle
from allowance.database.queries import Call
from allowance.errors import (
    ReservationChanged,
    UsageKeyTaken,
    UsageMonthDropped,
    UsageOutOfRange,
)
from allowance.usage.changing import Changes, Known, in_steps
from allowance.usage.entries import Entry, UsageUser, amended
from allowance.usage.fast_path import plain_usages
from allowance.usage.ledger import write
from allowance.usage.look_ups import (
    attributions_of,
    call_of_keys,
    call_of_months,
    call_of_recorders,
    call_of_sources,
    look_ups_of,
)
from allowance.usage.models import (
    UsageAnswer,
    UsageProblem,
    held_result,
    rejected,
    taken_back,
)
from allowance.usage.rating import UNPRICED, Rated, UsagePrices
from allowance.usage.records import Usage, Void, require_time, usage_of
from allowance.usage.revisions import NO_USER, Change
from allowance.usage.settling import (
    NOBODY,
    Closer,
    Settling,
    amended_settles_nothing,
    call_of_reservations,
)
from allowance.usage.unknown import NO_RULES, Sent, SourceRules, denied, rules_of, unknown_in

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


def _record(
    db: Handle, usages: Mapping[int, Usage | Void], closer: Closer
) -> dict[int, UsageAnswer]:
    batch = Batch(usages, closer)
    attempts = 0
    while True:
        # The longest result last: all queries are sent before any result arrives.
        _, *rows = db.all_in_one_trip(batch.months, *batch.look_ups)
        rules = rules_of(db, batch.unknown(rows))
        entries, results, users, settlements, changes = batch.decide(rows, rules)
        try:
            if entries or changes:
                write(db, entries, users, settlements, changes, closer.id)
        except (UsageKeyTaken, UsageMonthDropped, ReservationChanged):
            attempts += 1
            if attempts == ATTEMPTS:
                raise
        else:
            return results


class Decided(NamedTuple):
    """The entries to write, the result of each usage by its place, the users of the batch, the
    reservations that entries settle, and the changes of usages.
    """

    entries: list[Entry]
    results: dict[int, UsageAnswer]
    users: list[UsageUser]
    settlements: list[Mapping[str, Any]]
    changes: list[Change]


class Batch:
    """Usages by their places, and the queries for what recording them needs."""

    def __init__(self, usages: Mapping[int, Usage | Void], closer: Closer = NOBODY) -> None:
        self._usages = {place: each for place, each in usages.items() if not isinstance(each, Void)}
        self._voids = {place: each for place, each in usages.items() if isinstance(each, Void)}
        self._closer = closer
        with_content = self._usages.values()
        self._reservations = call_of_reservations(with_content, closer)
        self._recorders = call_of_recorders(usages.values())
        users, self._names, prices = look_ups_of(with_content)
        self.months = call_of_months(with_content)
        self.look_ups: tuple[Call[Any], ...] = (
            *self._reservations,
            *self._recorders,
            *call_of_sources(with_content),
            prices,
            users,
            call_of_keys(usages.values()),
        )

    def unknown(self, rows: Sequence[Sequence[Any]]) -> set[Sent]:
        """Return the names of usages to record that no user has, or several have."""
        *_, users, known = rows
        return unknown_in(self._usages.values(), users, {each.key_digest for each in known})

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
        decided = _decide(
            self._usages, everybody, held, prices, by_record, settling, changes, rules
        )
        for place, void in self._voids.items():
            made = changes.decide(void, held.get(void.key_digest))
            if isinstance(made, Change):
                decided.changes.append(made)
            decided.results[place] = taken_back("voided") if isinstance(made, Change) else made
        return decided


def _decide(
    usages: Mapping[int, Usage],
    users: Sequence[UsageUser],
    held: dict[bytes, Known],
    prices: UsagePrices,
    by_record: Collection[str],
    settling: Settling,
    changes: Changes,
    rules: SourceRules,
) -> Decided:
    """Return what to write, and the result of each usage.

    Usage of the sources `by_record` costs what its record states. Of usages with the same key, the
    first valid one is recorded; the others are compared with it.
    """
    attributions = attributions_of(users)
    entries: list[Entry] = []
    results: dict[int, UsageAnswer] = {}
    made: list[Change] = []
    for place, usage in usages.items():
        change: Change | None = None
        before = held.get(usage.key_digest)
        if before is not None or usage.amends is not None:
            decided = (
                before.retried(usage)
                if before is not None and usage.amends is None
                else changes.decide(usage, before)
            )
            if isinstance(decided, UsageAnswer):
                results[place] = decided
                continue
            change = decided
        attribution = attributions.get((usage.user, usage.group))
        said: tuple[UsageProblem, ...] = ()
        if attribution is None:
            attribution, said = rules.attribution(usage, attributions)
        if attribution is None:
            results[place] = rejected(denied(usage.source))
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
            if change is None:
                said = (*settling.settle(usage, attribution.user_id, rated.cost_picos), *said)
        except UsageOutOfRange as error:
            results[place] = rejected(error.problems)
            continue
        cost = rated.cost_picos
        unpriced_count = usage.extra_requests + 1 if cost is None else 0
        difference = rated.stated_difference(usage.stated_cost_picos)
        entry = Entry(usage, attribution, rated, None, unpriced_count, difference)
        is_attributed = attribution.user_id != NO_USER
        if change is None:
            held[usage.key_digest] = Known(
                {usage.content_sha256: cost}, usage.content_sha256, is_attributed
            )
        else:
            made.append(change)
            said = (*amended_settles_nothing(usage), *said)
            entry = amended(entry, change)
        entries.append(entry)
        results[place] = held_result(
            "recorded" if change is None else "amended",
            cost,
            usage,
            rated.unpriced,
            attributed=is_attributed,
        )
        if said:
            results[place].validations = [*results[place].validations, *said]
    return Decided(entries, results, list(users), settling.settlements, made)
