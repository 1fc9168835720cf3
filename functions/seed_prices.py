"""SeedPrices: make the default model prices match a price book: the event's, else the configured
one, else the shipped one.
"""

from pathlib import Path

from allowance.prices.seeding.documents import GivenBook, read_parameters
from allowance.prices.seeding.source import given_or_configured
from allowance.prices.seeding.store import SeedCounts, SeedingStore
from allowance.rbac.system import PRICE_SEEDER
from allowance.triggers.jobs import job

SHIPPED = Path(__file__).with_name("prices.json")


@job(PRICE_SEEDER, SeedingStore, read_parameters)
def handler(store: SeedingStore, given: GivenBook | None) -> SeedCounts:
    return store.seed_prices(given_or_configured(given, SHIPPED, store.known_etag))
