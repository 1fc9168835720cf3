"""The price book's writes."""

from allowance.gate import Gate
from allowance.models import SeedCounts
from allowance.price_book import PriceBook
from allowance.rbac.policy import PRICE_BOOK, Action
from allowance.store import Origin


class PriceStore:
    """Model prices, as a system actor may change them."""

    def __init__(self, gate: Gate, _origin: Origin) -> None:
        self._gate = gate

    def seed_prices(self, book: PriceBook) -> SeedCounts:
        """Bring the default prices to the book. Idempotent; one statement, all or nothing. Raises NotAuthorized."""
        db = self._gate.open(Action.UPDATE, PRICE_BOOK)
        return db.one(SeedCounts, "seed_prices", book=book.model_dump_json(include={"prices"}))
