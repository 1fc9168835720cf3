"""The differences between a book and the prices in effect, with earlier decisions about
each. Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from allowance.contract.fields import Row
from allowance.prices.book import BookEntry
from allowance.prices.models import OwnerDecision
from allowance.prices.terms import PriceTerms


class Decision(Row):
    """A held change and its decision; `decision` is null while it waits."""

    id: UUID
    effective_from: str | None
    before: PriceTerms | None
    proposed: PriceTerms
    decision: OwnerDecision | None


class PriceDifference(Row):
    """A difference between a book and the price in effect; times are text.

    `n` is the index of the entry in the book; null means that the book lacks the model.
    `is_present`: the entry states or disputes the current price. `is_past`: it states a price that
    ended before now.
    """

    n: int | None
    provider: str
    model: str
    effective_from: str | None
    starts: str
    before: PriceTerms | None
    was_withdrawn: bool
    is_present: bool
    is_past: bool
    decisions: list[Decision]


class Comparison(Row):
    """A book compared with the default prices.

    `known` counts the models of the book that have a price, `priced` all models that have one.
    """

    known: int
    priced: int
    differences: list[PriceDifference]


@dataclass(frozen=True)
class Candidate:
    """A difference, the terms that the book proposes for it, and the reasons to hold it."""

    difference: PriceDifference
    entry: BookEntry
    proposed: PriceTerms
    before: PriceTerms | None
    is_disputed: bool
    """Whether another source states another price."""
    reasons: tuple[str, ...]

    @property
    def name(self) -> tuple[str, str]:
        return self.difference.provider, self.difference.model

    @property
    def is_history(self) -> bool:
        """Return whether it is what a new model cost before its current price."""
        return self.difference.is_past and self.before is None

    def waiting(self) -> Decision | None:
        """Return the held change that proposes the same and still waits; None without one."""
        return next((each for each in self._same() if each.decision is None), None)

    def is_settled(self) -> bool:
        """Return whether an owner preferred the price in effect to the proposed one.

        The decision holds until a source states another price.
        """
        return any(each.decision == "rejected" for each in self._same()) or (
            self.is_disputed
            and any(
                each.decision == "approved"
                and (each.before, each.proposed) == (self.proposed, self.before)
                for each in self.difference.decisions
            )
        )

    def _same(self) -> Iterable[Decision]:
        at = self.difference.effective_from
        return (
            each
            for each in self.difference.decisions
            if (each.effective_from, each.before, each.proposed) == (at, self.before, self.proposed)
        )


@dataclass(slots=True)
class PlannedVersion:
    """A new version of a default price. A withdrawal keeps the terms of the version before."""

    provider: str
    model: str
    effective_from: str
    before: PriceTerms | None
    terms: PriceTerms
    withdrawn: bool
    sources: list[str]


@dataclass(slots=True)
class PlannedHold:
    """A change to hold for an owner. `effective_from` None: from the approval on."""

    provider: str
    model: str
    effective_from: str | None
    before: PriceTerms | None
    proposed: PriceTerms
    reasons: list[str]
    by_source: dict[str, dict[str, Any]]
    sources: list[str]
