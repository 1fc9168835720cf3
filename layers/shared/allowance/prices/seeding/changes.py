"""Where a book differs from the prices in effect, and what was decided about the same difference
before. Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from allowance.contract.fields import Row
from allowance.prices.book import BookEntry

type Terms = dict[str, Any]
"""allowance.prices.terms.PriceTerms as JSON, every key there: so two of them compare as what they
mean.
"""


class Decision(Row):
    """What became of a held change: null is that it still waits."""

    id: UUID
    effective_from: str | None
    before: Terms | None
    proposed: Terms
    decision: Literal["approved", "rejected"] | None


class PriceDifference(Row):
    """Where a book differs from what is in effect. `n` null: a model that the book does not have.
    Times as text.
    """

    n: int | None
    provider: str
    model: str
    effective_from: str | None
    starts: str
    before: Terms | None
    was_withdrawn: bool
    decisions: list[Decision]


class Comparison(Row):
    """A book against the default prices: how many of its models are known, how many models have a
    price at all.
    """

    known: int
    priced: int
    differences: list[PriceDifference]


@dataclass(frozen=True)
class Candidate:
    """A difference with the terms that the book proposes, and why they should be held."""

    difference: PriceDifference
    entry: BookEntry
    proposed: Terms
    before: Terms | None
    is_disputed: bool
    """Another source says something else of the same price."""
    reasons: tuple[str, ...]

    @property
    def name(self) -> tuple[str, str]:
        return self.difference.provider, self.difference.model

    def is_open(self) -> Decision | None:
        """The same change, which waits already."""
        return next((each for each in self._same() if each.decision is None), None)

    def is_settled(self) -> bool:
        """Whether an owner chose what is in effect over what is proposed: that stands until a
        source says otherwise.
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
