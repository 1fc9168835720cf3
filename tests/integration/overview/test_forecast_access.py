"""Which forecasts a caller gets, page by page."""

from uuid import UUID

import pytest

from tests.gateway import Client
from tests.organization_budgets import BUDGETS, created, group, user
from tests.overview import FORECASTS, by_name
from tests.people import Acme
from tests.spend import NOT_FOUND


def test_budgets_come_page_by_page(acme: Acme, adam: Client) -> None:
    for name in ("a", "b", "c"):
        created(adam, name)
    first = adam.get(f"{FORECASTS}?limit=2").json()
    assert [each["name"] for each in first["budgets"]] == ["a", "b"]
    second = adam.get(f"{FORECASTS}?limit=2&after={first['next']}").json()
    assert ([each["name"] for each in second["budgets"]], second["next"]) == (["c"], None)
    adam.delete(f"{BUDGETS}/c")
    assert adam.get(f"{FORECASTS}?limit=2").json()["next"] is None
    assert adam.get(f"{FORECASTS}?limit=51").status == 400


def test_a_caller_gets_the_forecasts_of_the_budgets_that_it_may_read(
    acme: Acme, adam: Client, maya: Client
) -> None:
    created(adam, "research", scope=group(acme.groups["acme/research"]))
    created(adam, "otto", scope=user(acme.users["otto"]))
    created(adam, "maya", scope=user(acme.users["maya"]))
    created(adam, "all")
    assert list(by_name(maya)) == ["all", "maya"]
    assert len(by_name(adam)) == 4


@pytest.mark.parametrize("username", ["otto", "gus", "nora"])
def test_what_the_caller_may_not_read_looks_absent(acme: Acme, username: str) -> None:
    client = acme.client(username)
    for id_ in (acme.groups["acme/platform"], UUID(int=4)):
        answer = client.get(f"/api/v2/groups/{id_}/ai/forecast")
        assert (answer.status, answer.json()) == (404, NOT_FOUND)
    for name in ("ana", "nobody") if username == "otto" else ("nobody",):
        answer = client.get(f"/api/v2/users/{name}/ai/forecast")
        assert (answer.status, answer.json()) == (404, NOT_FOUND)
