"""Which price counts for a model: by the route, and by the cost of usage."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from tests.gateway import Client
from tests.model_prices import PRICES

SONNET = {"provider": "anthropic", "model": "claude-sonnet-4-5", "input_price": 3_000_000}


def resolve(client: Client, provider: str, model: str, query: str = "") -> dict[str, Any]:
    answer = client.get(
        f"{PRICES}/resolve?provider={quote(provider, safe='')}&model={quote(model, safe='')}{query}"
    )
    assert answer.status == 200, answer.body
    return answer.json()


def paid(client: Client, provider: str, model: str, at: datetime | None = None) -> int | None:
    """What a million tokens of it cost, used now or then."""
    used = {
        "source": "test",
        "id": str(uuid4()),
        "user": "maya",
        "provider": provider,
        "model": model,
    }
    when = {"occurred_at": (at or datetime.now(UTC)).isoformat(), "tokens": {"input": 1_000_000}}
    return client.post("/api/v2/ai/usage", {"records": [used | when]}).json()["results"][0][
        "cost_micros"
    ]


def both(client: Client, provider: str, model: str) -> tuple[int | None, int | None]:
    """The price in the response of the GET and the price of usage, which must be equal."""
    price_ = resolve(client, provider, model)["price"]
    return price_ and price_["input_price"], paid(client, provider, model)
