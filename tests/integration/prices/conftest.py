"""Fixtures of the prices."""

from collections.abc import Generator
from pathlib import Path

import pytest

import seed_prices
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import few_of_the_shipped
from tests.tls import Site, https_site


@pytest.fixture
def olivia(acme: Acme) -> Client:
    """An owner: only owners may change prices."""
    return acme.client("olivia")


@pytest.fixture
def price_reader(database: Database, acme: Acme) -> Client:
    """A user who may read prices, but not change them."""
    database.run("UPDATE users SET roles = '{gateway}' WHERE username = 'nora'")
    return acme.client("nora")


@pytest.fixture
def small_shipped_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped book has 60 models here, of which a few are held."""
    monkeypatch.setattr(seed_prices, "SHIPPED", few_of_the_shipped(tmp_path))


@pytest.fixture
def site(tmp_path: Path) -> Generator[Site]:
    with https_site(tmp_path) as served:
        yield served
