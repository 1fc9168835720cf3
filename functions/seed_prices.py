"""SeedPrices: bring the default model prices to the book of the event, or else to the one shipped with this file."""

from pathlib import Path
from typing import Any

from allowance.jobs import job
from allowance.models import SeedCounts
from allowance.price_book import read_price_book
from allowance.price_store import PriceStore
from allowance.rbac.system import PRICE_SEEDER

SHIPPED = Path(__file__).with_name("prices.json")


@job(PRICE_SEEDER, PriceStore)
def handler(store: PriceStore, event: dict[str, Any]) -> SeedCounts:
    return store.seed_prices(read_price_book(event, SHIPPED))
