"""Fixtures of the client's tests: the handlers over HTTP, and what they have in the ledger."""

from collections.abc import Generator

import pytest

from tests.gateway import Client
from tests.served import served


@pytest.fixture
def url(gateway: Client) -> Generator[str]:
    """The address of the handlers, on a database of this test."""
    with served() as found:
        yield found
