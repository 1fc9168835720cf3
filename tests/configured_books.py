"""Price books for tests that SeedPrices fetches from the configured location."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import seed_prices
from tests.conftest import environment
from tests.gateway import Context
from tests.postgres import Database

SHIPPED_MODELS = 50


def document(*prices: dict[str, Any], **more: Any) -> bytes:
    stated = {"source": "acme", "version": "1", "date": "2026-11-22", "roundings": []}
    return json.dumps(stated | {"prices": list(prices)} | more).encode()


def run() -> dict[str, Any]:
    """SeedPrices as the schedule calls it."""
    return seed_prices.handler({"source": "aws.events"}, Context())


@contextmanager
def configured(database: Database, location: str, ca_file: str = "") -> Generator[None]:
    with environment(
        DATABASE_URL=database.app_url, PRICE_BOOK=location, PRICE_BOOK_CA_FILE=ca_file
    ):
        yield
