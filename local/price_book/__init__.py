"""The price book: the token prices of two independent sources, as functions/prices.json, for
review.

`make price-book` writes it. Its content depends only on uv.lock, so a test detects manual edits.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LOCK_FILE = ROOT / "uv.lock"
BOOK_FILE = ROOT / "functions" / "prices.json"
PAGE_FILE = ROOT / "docs" / "prices.md"


class PriceBookRefused(Exception):
    """The prices do not make a trustworthy book."""
