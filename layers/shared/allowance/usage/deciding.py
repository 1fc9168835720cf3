"""What the usages of a batch become: entries of the ledger, changes, and results. Pure."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from allowance.errors import UsageOutOfRange
from allowance.prices.cost import half_even_micros
from allowance.usage.changing import Changes, Known
from allowance.usage.columns import EntryColumns, UsageColumns, entries_of
from allowance.usage.entries import Entry, UsageUser, amended
from allowance.usage.look_ups import attributions_of
from allowance.usage.models import UsageAnswer, UsageProblem, held_result, rejected
from allowance.usage.rating import UNPRICED, Rated, UsagePrices
from allowance.usage.records import Usage
from allowance.usage.revisions import NO_USER, Change
from allowance.usage.settling import Settling, amended_settles_nothing
from allowance.usage.unknown import SourceRules, denied


class Decided(NamedTuple):
    """The entries to write, the result of each usage by its place, the users of the batch, the
    reservations that entries settle, and the changes of usages.
    """

    entries: list[Entry]
    results: dict[int, UsageAnswer]
    users: list[UsageUser]
    settlements: list[Mapping[str, Any]]
    changes: list[Change]


def decide(
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


def decide_plain(
    usages: UsageColumns, users: Sequence[UsageUser], prices: UsagePrices
) -> tuple[EntryColumns, list[UsageAnswer]] | None:
    """Return the entries and results of usages whose keys are not recorded, like `decide`.

    None: only `decide` can tell what becomes of one of them. It has a variant, or no flat price, or
    costs nothing, or its user is not known or not in the group that it names, or two have one key.
    """
    if any(usages.variants) or len(set(usages.key_digests)) < len(usages.key_digests):
        return None
    known = attributions_of(users)
    named = zip(usages.users, usages.groups, strict=True)
    attributions = [found for each in named if (found := known.get(each)) is not None]
    rated = prices.flat(usages.names, usages.tokens)
    if rated is None or len(attributions) < len(usages.users):
        return None
    costs, of_costs = rated
    if not all(costs):
        # Perhaps nothing was counted.
        return None
    micros = map(half_even_micros, costs)
    results = [UsageAnswer("recorded", each, True, True, []) for each in micros]
    return entries_of(usages, attributions, costs, of_costs), results
