"""Fixtures of the spend tests."""

import pytest

from tests.gateway import Client
from tests.people import Acme


@pytest.fixture
def olivia(acme: Acme) -> Client:
    """The owner, for set-up only."""
    return acme.client("olivia")
