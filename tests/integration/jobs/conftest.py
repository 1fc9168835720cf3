"""Fixtures of the tests of several jobs at once."""

from collections.abc import Generator

import pytest

from tests.alerts import wait_for_receivers
from tests.gateway import Client
from tests.jobs import AtWork, at_work
from tests.people import Acme
from tests.postgres import Database


@pytest.fixture
def work(
    gateway: Client, acme: Acme, database: Database, monkeypatch: pytest.MonkeyPatch
) -> Generator[AtWork]:
    """Something to do for each job."""
    wait_for_receivers(monkeypatch)
    with at_work(gateway, acme, database) as made:
        yield made
