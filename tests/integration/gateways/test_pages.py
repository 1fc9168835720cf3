"""The examples of the pages, word for word: each records one call, however often it runs."""

import pytest

from tests.doors import spent
from tests.gateway import Client
from tests.page_commands import answers
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.reservations import held


@pytest.fixture
def variables(acme: Acme) -> dict[str, str]:
    """What `make demo` sets, for the handlers of this process."""
    seed(
        price(provider="openai", model="gpt-5.1", input_price=2_000_000, output_price=10_000_000),
        price(
            provider="anthropic",
            model="claude-sonnet-4-5-20250929",
            input_price=3_000_000,
            output_price=15_000_000,
        ),
    )
    olivia: Client = acme.client("olivia")
    return {"API": "", "OLIVIA": str(olivia.token)}


@pytest.mark.parametrize(
    ("page", "statuses", "cost"),
    [
        ("otlp", [200, 200], 7650),
        ("kong", [204], 4000),
        ("portkey", [200, 200, 200], 4000),
    ],
)
def test_the_example_of_a_page_records_one_call(
    variables: dict[str, str], database: Database, page: str, statuses: list[int], cost: int
) -> None:
    for _ in range(2):
        found = list(answers(f"gateways/{page}.md", variables))
        assert [each.status for each in found] == statuses
    if page == "portkey":
        assert {each.body for each in found[1:]} == {'{"verdict":true,"data":{"reason":null}}'}
    assert spent(database) == {"maya": cost}


def test_the_example_of_envoy_holds_and_settles(
    variables: dict[str, str], database: Database
) -> None:
    found = list(answers("gateways/envoy.md", variables))
    assert [(each.status, each.body) for each in found[2:]] == [(200, "{}")]
    assert [each.status for each in found] == [200, 200, 200]
    assert spent(database) == {"maya": 4000}
    assert held(database) == {}
