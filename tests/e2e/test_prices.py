"""Model prices over HTTP: callers, and model names with slashes, spaces and colons."""

from urllib.parse import quote

import pytest

from tests.e2e.conftest import Person

PRICES = "/api/v2/ai/model-prices"


@pytest.mark.parametrize("username", ["maya", "otto"])
def test_members_of_the_demo_do_not_see_prices(people: dict[str, Person], username: str) -> None:
    refused = people[username].get(PRICES)
    assert (refused.status_code, refused.json()) == (403, {"message": "Forbidden."})


@pytest.mark.parametrize("model", ["org/model:free", "a b", "a/b/c", "50%", "é", "a+b"])
@pytest.mark.parametrize("safe", ["/", ""], ids=["slashes as they are", "slashes encoded"])
def test_a_custom_price_of_any_name_is_created_and_deleted(
    people: dict[str, Person], model: str, safe: str
) -> None:
    olivia = people["olivia"]
    assert (
        olivia.post(
            PRICES, json={"prices": [{"provider": "e2e", "model": model, "input_price": 5000}]}
        ).status_code
        == 200
    )
    found = olivia.get(PRICES, params={"provider": "e2e", "model": model}).json()["prices"]
    assert [(each["source"], each["input_price"]) for each in found] == [("custom", 5000)]
    assert olivia.delete(f"{PRICES}/e2e/{quote(model, safe=safe)}").status_code == 204
    assert olivia.get(PRICES, params={"provider": "e2e", "model": model}).json()["prices"] == []
    assert olivia.delete(f"{PRICES}/e2e/{quote(model, safe=safe)}").status_code == 404


def test_the_shipped_prices_are_there_and_gateways_find_them(people: dict[str, Person]) -> None:
    olivia = people["olivia"]
    assert len(olivia.get("/api/experimental/ai/model-prices").json()) > 5000
    sent = {"provider": "bedrock", "model": "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"}
    assert olivia.get(f"{PRICES}/resolve", params=sent).json()["price"]["input_price"] == 3_300_000
    assert olivia.get(f"{PRICES}/held").status_code == 200
