"""SeedPrices: make the default model prices match a price book: the event's, else the configured
one, else the shipped one.
"""

from pathlib import Path
from typing import Any

from allowance.prices.seeding.source import book_of
from allowance.prices.seeding.store import SeedCounts, SeedingStore
from allowance.rbac.system import PRICE_SEEDER
from allowance.triggers.jobs import job

SHIPPED = Path(__file__).with_name("prices.json")


@job(PRICE_SEEDER, SeedingStore)
def handler(store: SeedingStore, event: dict[str, Any]) -> SeedCounts:
    return store.seed_prices(book_of(event, SHIPPED, store.known_etag))
