"""The table of docs/prices.md: the priced models of each provider, and the agreement of the
sources.
"""

from collections import Counter, defaultdict

from allowance.prices.terms import RATES
from local.price_book import PAGE_FILE, PriceBookRefused
from local.price_book.book import Book
from local.price_book.present import in_force

BEGIN, END = "<!-- coverage: written by `make price-book` -->", "<!-- end of coverage -->"
CLASSES = (*RATES, "tiers", "variants")
COLUMNS = (
    "models",
    *(name.removesuffix("_price").replace("_", " ") for name in RATES),
    "tiers",
    "variants",
    "agreed",
    "one source",
    "disputed",
)


def table(made: Book) -> str:
    """Return the table: one row for all, then one per provider, the largest first. It counts the
    models with a price of each class in force, and agreement.
    """
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    disputed = {(row["provider"], row["model"]) for row in made["prices"] if "held" in row}
    for row in in_force(made):
        agreed = "agreed" if len(row["sources"]) > 1 else "one source"
        standing = "disputed" if (row["provider"], row["model"]) in disputed else agreed
        classes = [
            column
            for column, name in zip(COLUMNS[1:8], CLASSES, strict=True)
            if row.get(name) is not None
        ]
        for provider in (row["provider"], ""):
            counts[provider].update(("models", standing, *classes))
    ordered = sorted(counts, key=lambda name: (name != "", -counts[name]["models"], name))
    rows = [
        [name or "**all**", *(str(counts[name][column] or "") for column in COLUMNS)]
        for name in ordered
    ]
    lines = [["provider", *COLUMNS], ["---", *(["---:"] * len(COLUMNS))], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def with_table(page: str, made: Book) -> str:
    """Return the page with the table between its markers. Raise PriceBookRefused if a marker is
    missing.
    """
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise PriceBookRefused(f"{PAGE_FILE.name}: the markers of the table are missing")
    return f"{head}{begin}\n\n{table(made)}\n\n{end}{tail}"
