"""The plan of a price book: what is applied and what is held for an owner. Pure.

The rules guard against whole books that are wrong (units mixed up: per token, per thousand, cents)
and against single wrong prices (mistyped, missing, zero). Filling in an unknown rate is not a move,
but it must fit the model's other rates.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from allowance.prices.book import BookEntry
from allowance.prices.seeding.changes import (
    Candidate,
    Comparison,
    PlannedVersion,
    PriceDifference,
)
from allowance.prices.seeding.moves import Move, moves
from allowance.prices.seeding.outcome import DISPUTED, Plan, apply, place
from allowance.prices.seeding.plausibility import (
    THRESHOLDS,
    Thresholds,
    implausible,
    implausible_median,
    implausible_medians,
    implausible_ratio,
)
from allowance.prices.terms import PriceTerms


def plan(
    entries: Sequence[BookEntry],
    comparison: Comparison,
    *,
    fills_only: bool = False,
    thresholds: Thresholds = THRESHOLDS,
) -> Plan:
    """Return what of a book is applied, held and withdrawn.

    `fills_only`: a model that has a price does not change.
    """
    named = [each for each in comparison.differences if each.n is not None]
    if fills_only:
        named = [each for each in named if each.before is None]
    disputed = {
        (each.provider, each.model, str(each.effective_from)) for each in entries if each.held
    }
    stated = [each for each in named if not _entry(each, entries).held]
    candidates = [_candidate(each, entries, disputed) for each in stated]
    past = [each for each in candidates if each.is_history]
    proposals = [each for each in candidates if not each.is_history]
    new = sum(each.before is None for each in proposals)
    has_sample = comparison.priced + new >= thresholds.sample
    proposals = _in_sequence(proposals, thresholds, has_sample=has_sample)
    doubts = _doubts_about_the_book(proposals, comparison, thresholds)
    by_provider = dict(
        implausible_medians([(each.name[0], each.proposed) for each in _new(proposals)], thresholds)
    )
    made, applied = Plan(), dict[tuple[str, str, str | None], PriceTerms]()
    for each in proposals:
        doubt = by_provider.get(each.name[0])
        held = place(made, each, (*doubts, *([doubt] if doubt else []), *each.reasons))
        made.withheld += held
        if not held and not each.is_settled():
            applied[*each.name, _time(each.difference)] = each.proposed
            apply(made, each)
    begun = {(provider, model) for provider, model, at in applied if at is None}
    _apply_history(made, past, begun, thresholds, has_sample=has_sample)
    for difference in named:
        entry = _entry(difference, entries)
        if entry.held is not None:
            before = applied.get(
                (difference.provider, difference.model, _time(difference)), difference.before
            )
            alternative = Candidate(difference, entry, entry.terms, before, True, ())
            if alternative.proposed != before:
                place(made, alternative, (entry.held.reason,))
    _withdraw(made, comparison)
    return made


def _entry(difference: PriceDifference, entries: Sequence[BookEntry]) -> BookEntry:
    return entries[difference.n or 0]


def _time(difference: PriceDifference) -> str | None:
    """Return the time that an entry is about; None: now."""
    return None if difference.is_present else difference.effective_from


def _candidate(
    difference: PriceDifference, entries: Sequence[BookEntry], disputed: set[tuple[str, str, str]]
) -> Candidate:
    entry = _entry(difference, entries)
    times = [str(entry.effective_from), *(["None"] if difference.is_present else [])]
    is_disputed = any((entry.provider, entry.model, at) in disputed for at in times)
    return Candidate(difference, entry, entry.terms, difference.before, is_disputed, ())


def _in_sequence(
    proposals: list[Candidate], limits: Thresholds, *, has_sample: bool
) -> list[Candidate]:
    """Return the candidates with the reasons that concern each alone.

    Each is compared with the price in effect, or, for a new model, with its previous entry.
    """
    judged: list[Candidate] = []
    for each in proposals:
        previous = (
            judged[-1] if judged and judged[-1].name == each.name and each.before is None else None
        )
        known = each.before if previous is None else previous.proposed
        moved = [] if known is None else list(_moved(known, each.proposed, limits))
        reasons = [move.why for move in moved if move.why is not None]
        if moved and previous is None and each.is_disputed:
            reasons.append(DISPUTED)
        reasons += implausible(each.name, known, each.proposed, limits, has_sample=has_sample)
        if previous is not None and previous.reasons:
            reasons.append("the price before it is held")
        judged.append(replace(each, reasons=tuple(reasons)))
    return judged


def _doubts_about_the_book(
    proposals: list[Candidate], comparison: Comparison, limits: Thresholds
) -> tuple[str, ...]:
    moved = {
        each.name
        for each in proposals
        if not each.is_settled() and _moves_known_rates(each, limits)
    }
    doubts: list[str] = []
    if (
        len(moved) >= limits.book_models
        and len(moved) * 100 > comparison.known * limits.book_percent
    ):
        doubts.append(f"the prices of {len(moved)} of {comparison.known} known models move at once")
    new = [each.proposed for each in _new(proposals)]
    prices = [each.input_price for each in new if each.input_price is not None]
    doubts += filter(None, (implausible_median(prices, limits), implausible_ratio(new, limits)))
    return tuple(doubts)


def _new(proposals: Sequence[Candidate]) -> list[Candidate]:
    return [each for each in proposals if each.before is None]


def _moved(before: PriceTerms, after: PriceTerms, limits: Thresholds) -> Iterator[Move]:
    return moves(before, after, limits.move_factor, limits.tier_factor, limits.tier_tokens)


def _moves_known_rates(each: Candidate, limits: Thresholds) -> bool:
    return each.before is not None and any(True for _ in _moved(each.before, each.proposed, limits))


def _apply_history(
    made: Plan,
    past: Sequence[Candidate],
    begun: set[tuple[str, str]],
    limits: Thresholds,
    *,
    has_sample: bool,
) -> None:
    """Apply what new models cost before, if their current price is applied and all is plausible.

    A step of the history is no move: it prices no usage that is recorded. None is held, since an
    owner approves prices from now on. Without it, usage of that time stays unpriced.
    """
    doubted = {
        each.name
        for each in past
        if each.name not in begun
        or any(implausible(each.name, None, each.proposed, limits, has_sample=has_sample))
    }
    for each in past:
        if each.name in doubted:
            made.not_applied += 1
            made.reasons["a past price is left out"] += 1
        else:
            apply(made, each)


def _withdraw(made: Plan, comparison: Comparison) -> None:
    gone = [
        (each, each.before)
        for each in comparison.differences
        if each.n is None and each.before is not None
    ]
    made.versions += [
        PlannedVersion(
            provider=each.provider,
            model=each.model,
            effective_from=each.starts,
            before=before,
            terms=before,
            withdrawn=True,
            sources=[],
        )
        for each, before in gone
    ]
    made.withdrawn = len({(each.provider, each.model) for each, _ in gone})
