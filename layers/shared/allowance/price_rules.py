"""What of a price book is applied and what is held for an owner: the rules, their thresholds, and the plan. Pure.

The rules guard against books that are wrong as a whole (units mixed up: per token, per thousand, cents) and against
single prices that are wrong (mistyped, missing, zero). What makes an unpriced part priced is no move.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from allowance.price_book import BookEntry
from allowance.price_differences import Candidate, Comparison, PriceDifference, Terms
from allowance.price_moves import moves, new_rates


@dataclass(frozen=True)
class Thresholds:
    """When a change is held. The prices are input prices, in micro-units of USD per million tokens."""

    move_factor: int = 3
    """A known price may become this many times larger or smaller."""
    tier_factor: int = 10
    """A tier that was not known before may cost so many times what the base does. (November 2026: up to 6.7.)"""
    book_percent: int = 20
    """Of the known models of a book, so many may move at once..."""
    book_models: int = 5
    """...unless fewer than this do."""
    sample: int = 20
    """So many prices make a distribution; with fewer at hand, a new model is taken at its word."""
    lowest: int = 1_000
    highest: int = 1_000_000_000
    """$0.001 and $1,000: outside no new price is plausible, but 0. (The book of November 2026 has 0.0011 to 600.)"""
    lowest_median: int = 20_000
    highest_median: int = 20_000_000
    """$0.02 and $20: outside the middle of many new models is not plausible. (That book: 0.50; providers 0.04 to 5.)"""


THRESHOLDS = Thresholds()
DISPUTED = "the sources of this price disagree"


@dataclass
class Plan:
    """What to write. Counts are of entries; `withdrawn` of models."""

    versions: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    held: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    still_held: list[UUID] = field(default_factory=list[UUID])
    reasons: Counter[str] = field(default_factory=Counter[str])
    inserted: int = 0
    updated: int = 0
    withheld: int = 0
    """Entries to apply that are held."""
    withdrawn: int = 0


def plan(
    entries: Sequence[BookEntry],
    comparison: Comparison,
    *,
    fills_only: bool = False,
    thresholds: Thresholds = THRESHOLDS,
) -> Plan:
    """What of a book is applied, held and withdrawn. `fills_only` leaves every model alone that has a price."""
    named = [each for each in comparison.differences if each.n is not None]
    if fills_only:
        named = [each for each in named if each.before is None]
    disputed = {(each.provider, each.model, str(each.effective_from)) for each in entries if each.held}
    proposals = [_candidate(each, entries, disputed) for each in named if not _entry(each, entries).held]
    proposals = _in_sequence(proposals, comparison, thresholds)
    doubts = _doubts_about_the_book(proposals, comparison, thresholds)
    made, applied = Plan(), dict[tuple[str, str, str | None], Terms]()
    for each in proposals:
        held = _place(made, each, (*doubts, *each.reasons))
        made.withheld += held
        if not held and not each.is_settled():
            applied[*each.name, each.difference.effective_from] = each.proposed
            _apply(made, each)
    for difference in named:
        entry = _entry(difference, entries)
        if entry.held is not None:
            before = applied.get((difference.provider, difference.model, difference.effective_from), difference.before)
            alternative = Candidate(difference, entry, _terms(entry), before, True, ())
            if alternative.proposed != before:
                _place(made, alternative, (entry.held.reason,))
    _withdraw(made, comparison)
    return made


def _entry(difference: PriceDifference, entries: Sequence[BookEntry]) -> BookEntry:
    return entries[difference.n or 0]


def _terms(entry: BookEntry) -> Terms:
    return entry.model_dump(mode="json", exclude={"provider", "model", "effective_from", "sources", "held"})


def _candidate(
    difference: PriceDifference, entries: Sequence[BookEntry], disputed: set[tuple[str, str, str]]
) -> Candidate:
    entry = _entry(difference, entries)
    is_disputed = (entry.provider, entry.model, str(entry.effective_from)) in disputed
    return Candidate(difference, entry, _terms(entry), difference.before, is_disputed, ())


def _in_sequence(proposals: list[Candidate], comparison: Comparison, limits: Thresholds) -> list[Candidate]:
    """The reasons of each by itself: against what is in effect or, for a new model, against its entry before."""
    new = sum(each.before is None for each in proposals)
    has_sample = comparison.priced + new >= limits.sample
    judged: list[Candidate] = []
    for each in proposals:
        previous = judged[-1] if judged and judged[-1].name == each.name and each.before is None else None
        known = each.before if previous is None else previous.proposed
        moved = [] if known is None else list(moves(known, each.proposed, limits.move_factor, limits.tier_factor))
        reasons = [move.why for move in moved if move.why is not None]
        if moved and previous is None and each.is_disputed:
            reasons.append(DISPUTED)
        if has_sample:
            reasons += [
                f"{path}: {rate} is no plausible price"
                for path, rate in new_rates(known, each.proposed)
                if rate and not limits.lowest <= rate <= limits.highest
            ]
        if previous is not None and previous.reasons:
            reasons.append("the price before it is held")
        judged.append(replace(each, reasons=tuple(reasons)))
    return judged


def _doubts_about_the_book(proposals: list[Candidate], comparison: Comparison, limits: Thresholds) -> tuple[str, ...]:
    moved = {each.name for each in proposals if not each.is_settled() and _moves_known_rates(each)}
    doubts: list[str] = []
    if len(moved) >= limits.book_models and len(moved) * 100 > comparison.known * limits.book_percent:
        doubts.append(f"the prices of {len(moved)} of {comparison.known} known models move at once")
    # With those that are free: rounded to a unit that is too large, every price is zero.
    new = sorted(
        each.proposed["input_price"]
        for each in proposals
        if each.before is None and each.proposed["input_price"] is not None
    )
    if len(new) >= limits.sample:
        middle = new[len(new) // 2]
        if not limits.lowest_median <= middle <= limits.highest_median:
            doubts.append(f"{middle} is no plausible median of the input prices of {len(new)} new models")
    return tuple(doubts)


def _moves_known_rates(each: Candidate) -> bool:
    return each.before is not None and any(not move.is_new_tier for move in moves(each.before, each.proposed, 1, 1))


def _place(made: Plan, each: Candidate, reasons: Sequence[str]) -> bool:
    """Hold the change if it waits already or there is a reason to, unless an owner settled it. Whether it is held."""
    if each.is_settled():
        return False
    if (waiting := each.is_open()) is not None:
        made.still_held.append(waiting.id)
    elif reasons:
        made.held.append(
            _named(each)
            | {
                "effective_from": each.difference.effective_from,
                "reasons": list(reasons),
                "by_source": each.entry.held.by_source if each.entry.held else {},
                "proposed": each.proposed,
            }
        )
    else:
        return False
    made.reasons.update(_kind(each, text) for text in reasons)
    return True


def _apply(made: Plan, each: Candidate) -> None:
    made.versions.append(
        _named(each) | {"effective_from": each.difference.starts, "terms": each.proposed, "withdrawn": False}
    )
    if each.before is None:
        made.inserted += 1
    else:
        made.updated += 1


def _named(each: Candidate) -> dict[str, Any]:
    provider, model = each.name
    return {"provider": provider, "model": model, "before": each.before, "sources": each.entry.sources}


def _withdraw(made: Plan, comparison: Comparison) -> None:
    gone = [each for each in comparison.differences if each.n is None]
    made.versions += [
        {
            "provider": each.provider,
            "model": each.model,
            "before": each.before,
            "sources": [],
            "effective_from": each.starts,
            "terms": each.before,
            "withdrawn": True,
        }
        for each in gone
    ]
    made.withdrawn = len({(each.provider, each.model) for each in gone})


def _kind(each: Candidate, reason: str) -> str:
    """A reason without what differs from model to model, to count by."""
    if each.entry.held is not None:
        return DISPUTED
    return re.sub(r"\d+", "n", reason.rpartition(": ")[2].partition(" from ")[0])
