"""The price book: what two independent sources say a token costs, as functions/prices.json, for
people to review.

`make price-book` writes it. Its content follows from uv.lock alone, so a test can tell that nobody
edited it by hand.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LOCK_FILE = ROOT / "uv.lock"
BOOK_FILE = ROOT / "functions" / "prices.json"
PAGE_FILE = ROOT / "docs" / "prices.md"


class PriceBookRefused(Exception):
    """The prices cannot be made into a book that may be trusted."""
