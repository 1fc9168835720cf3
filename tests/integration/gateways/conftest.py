"""Settings of the sources with which each door knows its users and its estimate."""

import pytest

from tests.gateway import Client
from tests.people import Acme

IDENTITY = {
    "otlp": ["user.email"],
    "portkey": ["metadata._user"],
    "envoy": ["header:x-user-id"],
}


@pytest.fixture
def olivia(acme: Acme) -> Client:
    return acme.client("olivia")


@pytest.fixture
def trusting(olivia: Client) -> None:
    """The sources trust a field of their messages, and a call may cost 3,000 micro-units."""
    for source, identity in IDENTITY.items():
        settings = {"cost_from": "book", "identity": identity, "estimate_micros": 3000}
        assert olivia.put(f"/api/v2/ai/sources/{source}", settings).status == 200
