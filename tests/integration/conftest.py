"""Fixtures of the integration suite. Some of its tests depend on the version of Postgres."""

from pathlib import Path

import pytest

from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.remembered import descriptions_of_aws

descriptions_of_aws()

HERE = Path(__file__).parent
DEPEND_ON_THE_VERSION = (
    "access",  # runs each query, and compares rights
    "alerts/test_raising.py",
    "alerts/test_raising_at_once.py",
    "budgets",
    "database",
    "directory/test_memberships.py",
    "http/test_outages.py",
    "prices/test_malformed_books.py",
    "prices/test_scheduled_seeding.py",
    "prices/test_seeding.py",
    "spend",
    "usage",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests of functions, partitions, locks, plans, grants and dates `postgres_version`."""
    for item in items:
        if item.path.is_relative_to(HERE) and any(
            item.path.is_relative_to(HERE / each) for each in DEPEND_ON_THE_VERSION
        ):
            item.add_marker(pytest.mark.postgres_version)


@pytest.fixture
def gateway(acme: Acme, database: Database) -> Client:
    """A caller who may only record usage. A million tokens cost 2 USD of input, 10 of output."""
    database.run("UPDATE users SET roles = '{gateway}' WHERE username = 'nora'")
    seed(price(input_price=2_000_000, output_price=10_000_000))
    return acme.client("nora")
