"""The prices of a book that are in force on its date."""

from collections.abc import Sequence

from local.price_book.book import Book, Entry


def in_force(made: Book) -> list[Entry]:
    """Return the entry in force of each model that has one."""
    found: dict[tuple[str, str], Entry] = {}
    for row in applied(made["prices"]):
        # The entries of a model ascend by their day, and all days are of one form.
        if row.get("effective_from", "")[:10] <= made["date"]:
            found[row["provider"], row["model"]] = row
    return list(found.values())


def to_come(made: Book) -> list[Entry]:
    """Return the entries that begin after the date of the book."""
    return [
        row for row in applied(made["prices"]) if row.get("effective_from", "")[:10] > made["date"]
    ]


def applied(prices: Sequence[Entry]) -> list[Entry]:
    """Return the entries that apply without an owner's decision."""
    return [row for row in prices if "held" not in row]
