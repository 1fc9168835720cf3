"""The rows of the committed book by name, and the row that a name leads to."""

import json

from allowance.prices.names import Candidate, candidates
from local.price_book import BOOK_FILE

PRICES = json.loads(BOOK_FILE.read_text())["prices"]
ROWS = {
    (row["provider"], row["model"].lower()): row
    for row in PRICES
    if "held" not in row and "effective_from" not in row
}


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
