"""Fixtures of the budget tests."""

import pytest

from tests.gateway import Client
from tests.people import Acme


@pytest.fixture
def olivia(acme: Acme) -> Client:
    """The owner: only owners and user admins may update a user."""
    return acme.client("olivia")
