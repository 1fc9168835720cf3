"""The outcome of a book: versions, held changes and counts. Pure."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from allowance.prices.seeding.changes import Candidate, PlannedHold, PlannedVersion

DISPUTED = "the sources of this price disagree"


@dataclass
class Plan:
    """The rows to write. The counts are of entries; `withdrawn` counts models."""

    versions: list[PlannedVersion] = field(default_factory=list[PlannedVersion])
    held: list[PlannedHold] = field(default_factory=list[PlannedHold])
    still_held: list[UUID] = field(default_factory=list[UUID])
    reasons: Counter[str] = field(default_factory=Counter[str])
    inserted: int = 0
    updated: int = 0
    withheld: int = 0
    """Entries without a dispute that are held."""
    withdrawn: int = 0
    not_applied: int = 0
    """Past prices that are left out."""
    counted: set[int] = field(default_factory=set[int])
    """The indexes of the entries that `inserted` and `updated` count."""


def place(made: Plan, each: Candidate, reasons: Sequence[str]) -> bool:
    """Hold the change if it already waits or has reasons, and return whether it is held.

    A change that an owner settled is never held.
    """
    if each.is_settled():
        return False
    provider, model = each.name
    if (waiting := each.waiting()) is not None:
        made.still_held.append(waiting.id)
    elif reasons:
        made.held.append(
            PlannedHold(
                provider=provider,
                model=model,
                effective_from=each.difference.effective_from,
                before=each.before,
                proposed=each.proposed,
                reasons=list(reasons),
                by_source=each.entry.held.by_source if each.entry.held else {},
                sources=each.entry.sources,
            )
        )
    else:
        return False
    made.reasons.update(_kind(each, text) for text in reasons)
    return True


def apply(made: Plan, each: Candidate) -> None:
    provider, model = each.name
    made.versions.append(
        PlannedVersion(
            provider=provider,
            model=model,
            effective_from=each.difference.starts,
            before=each.before,
            terms=each.proposed,
            withdrawn=False,
            sources=each.entry.sources,
        )
    )
    n = each.difference.n
    if n is not None and n not in made.counted:
        made.counted.add(n)
        made.inserted += each.before is None
        made.updated += each.before is not None


def _kind(each: Candidate, reason: str) -> str:
    """Return a reason without its path and numbers, so that equal kinds count together."""
    if each.entry.held is not None:
        return DISPUTED
    return re.sub(r"\d+", "n", reason.rpartition(": ")[2].partition(" from ")[0])
