"""The rows of the committed book by name, and the row that a name leads to."""

from allowance.prices.names import Candidate, candidates
from tests.committed_book import APPLIED, COMMITTED

PRICES = COMMITTED["prices"]
ROWS = {(provider, model.lower()): row for (provider, model), row in APPLIED.items()}


def resolved(provider: str, model: str) -> Candidate | None:
    """The first candidate that has a row, as the database picks it."""
    return next(
        (
            each
            for each in candidates(provider, model)
            if (each.provider, each.model.lower()) in ROWS
        ),
        None,
    )


def names(provider: str, model: str) -> list[tuple[str, str]]:
    return [(each.provider, each.model) for each in candidates(provider, model)]
