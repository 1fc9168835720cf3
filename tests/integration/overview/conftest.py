"""Fixtures of the tests of the overview."""

import pytest

from tests.gateway import Client
from tests.organization_budgets import created, group
from tests.overview import use
from tests.people import Acme
from tests.reservations import of_cost, reserve


@pytest.fixture
def busy(acme: Acme, adam: Client, gateway: Client) -> Acme:
    """Two people at work for two groups, an unknown name, a model without a price, and a hold."""
    adam.put(acme.budget_path(), {"spend_limit_micros": 1000})
    created(adam, "all", limit_micros=5000)
    created(adam, "platform", scope=group(acme.groups["acme/platform"]), per="member")
    use(gateway, 1, 900)
    use(gateway, 2, 300, user="otto")
    use(gateway, 3, 40, user="nobody", model="other")
    use(gateway, 4, 14, provider="q", model="unheard-of")
    reserve(gateway, of_cost(5))
    return acme
