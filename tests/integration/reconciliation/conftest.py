"""Fixtures of the tests of the reconciliation."""

import pytest

from tests.gateway import Client
from tests.people import Acme


@pytest.fixture
def olivia(acme: Acme) -> Client:
    """Reports are of owners."""
    return acme.client("olivia")


@pytest.fixture
def ana(acme: Acme) -> Client:
    """An auditor of acme, who reads what owners stored."""
    return acme.client("ana")
