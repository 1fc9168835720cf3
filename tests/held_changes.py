"""Held price changes for tests: how an owner lists and decides them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.gateway import Answer, Client
from tests.price_books import price

PRICES = "/api/v2/ai/model-prices"
HELD = f"{PRICES}/held"
TOMORROW = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
BEFORE = price(
    input_price=1_000_000, output_price=2_000_000, variants={"batch": {"input_price": 500_000}}
)


def held(client: Client) -> list[dict[str, Any]]:
    return client.get(HELD).json()["held"]


def decide(client: Client, decision: str, number: int = 0) -> Answer:
    return client.post(f"{HELD}/{held(client)[number]['id']}/{decision}")


def disputed(says: int, alternative: int) -> list[dict[str, Any]]:
    dispute = {
        "reason": "models-dev says otherwise",
        "by_source": {"models-dev": {"input_price": alternative}},
    }
    return [
        price(input_price=says, sources=["genai-prices"]),
        price(input_price=alternative, sources=["models-dev"], held=dispute),
    ]
