"""Fixtures of the alert tests."""

from collections.abc import Generator

import pytest

from tests.alert_limits import LIMIT
from tests.alerts import wait_for_receivers
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.receivers import Receivers, receivers


@pytest.fixture
def aws(database: Database, monkeypatch: pytest.MonkeyPatch) -> Generator[Receivers]:
    """Both receivers."""
    wait_for_receivers(monkeypatch)
    with receivers(database.app_url) as made:
        yield made


@pytest.fixture
def gateway(acme: Acme, database: Database) -> Client:
    """A gateway whose input tokens cost one micro each. Everyone in acme may spend 10,000."""
    database.run("UPDATE users SET roles = '{gateway}' WHERE username = 'nora'")
    seed(price(input_price=1_000_000))
    acme.client("olivia").put(acme.budget_path("acme/Everyone"), {"spend_limit_micros": LIMIT})
    return acme.client("nora")
