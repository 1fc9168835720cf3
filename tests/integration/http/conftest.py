"""A database that tests of refused requests share."""

from collections.abc import Generator

import pytest

from tests.conftest import environment
from tests.people import Acme
from tests.postgres import Database, Server


@pytest.fixture(scope="module")
def shared(server: Server, populated: tuple[Database, Acme]) -> Generator[tuple[Database, Acme]]:
    """A database for all tests that only send refused requests: these write nothing but the last
    use of a token.
    """
    with server.database(populated[0].name) as database:
        yield database, populated[1]


@pytest.fixture
def people(shared: tuple[Database, Acme]) -> Generator[Acme]:
    database, acme = shared
    with environment(DATABASE_URL=database.app_url):
        yield acme
