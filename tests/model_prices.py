"""The routes of model prices, and what they list."""

from datetime import UTC, datetime
from typing import Any

from tests.gateway import Client

PRICES = "/api/v2/ai/model-prices"
EXPERIMENTAL = "/api/experimental/ai/model-prices"
FORBIDDEN = {"message": "Forbidden."}


def listed(client: Client, query: str = "", path: str = PRICES) -> list[tuple[Any, ...]]:
    answer = client.get(path + (f"?{query}" if query else ""))
    assert answer.status == 200, answer.body
    prices = answer.json() if path == EXPERIMENTAL else answer.json()["prices"]
    return [
        (each["provider"], each["model"], each["source"], each["input_price"]) for each in prices
    ]


def confirmed(prices: list[dict[str, Any]]) -> dict[str, Any]:
    """The body that sets prices that may be far from the book's."""
    return {"prices": [each | {"confirm": True} for each in prices]}


def set_prices(client: Client, *prices: dict[str, Any]) -> list[dict[str, Any]]:
    """Set custom prices, however far from the book's, and return what applies."""
    answer = client.post(PRICES, confirmed(list(prices)))
    assert answer.status == 200, answer.body
    return answer.json()["prices"]


def url_time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
