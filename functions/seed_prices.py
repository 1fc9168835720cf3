"""SeedPrices: bring the default model prices to the book of the event, or else to the configured or the shipped one."""

from pathlib import Path
from typing import Any

from allowance.jobs import job
from allowance.price_source import book_of
from allowance.price_store import PriceStore, SeedCounts
from allowance.rbac.system import PRICE_SEEDER

SHIPPED = Path(__file__).with_name("prices.json")


@job(PRICE_SEEDER, PriceStore)
def handler(store: PriceStore, event: dict[str, Any]) -> SeedCounts:
    return store.seed_prices(book_of(event, SHIPPED, store.known_etag))
