"""The overview for tests: its path, usage at this time, and many users with spend."""

from datetime import UTC, datetime
from typing import Any

from allowance.contract.fields import rfc3339
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.spend import today
from tests.usage import record, results

PATH = "/api/v2/organizations/acme/ai/overview"
FORECASTS = "/api/v2/organizations/acme/ai/forecast"


def use(client: Client, number: int, micros: int, **more: Any) -> None:
    """Usage of this cost, a moment ago. A token of input costs 2 micro-units."""
    at = {"occurred_at": rfc3339(datetime.now(UTC)), "tokens": {"input": micros // 2}}
    assert results(client, record(number, **(at | more)))[0]["status"] == "recorded"


def overview(client: Client) -> Any:
    answer = client.get(PATH)
    assert answer.status == 200, answer.body
    return answer.json()


def fill(database: Database, acme: Acme, people: int) -> None:
    """Users with 1, 2, 3... micro-units of spend for Everyone today."""
    everyone = acme.organizations["acme"]
    database.run(
        "INSERT INTO users (username) SELECT 'u' || n FROM generate_series(1, %s) AS n", people
    )
    spent = "SELECT id, substr(username, 2)::bigint AS n FROM users WHERE username ~ '^u[0-9]+$'"
    database.run(
        "INSERT INTO ai_spend_daily (user_id, group_id, organization_id, provider, model, day,"
        " cost_micros, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,"
        " cache_write_1h_tokens, usage_count, unpriced_usage_count)"
        f" SELECT id, %s, %s, 'p', 'm', %s, n, 0, 0, 0, 0, 0, 1, 0 FROM ({spent}) AS s",
        everyone, everyone, today(),
    )  # fmt: skip
    database.run(
        f"INSERT INTO ai_user_spend_monthly SELECT id, %s, n FROM ({spent}) AS s",
        today().replace(day=1),
    )


def by_name(client: Client, query: str = "") -> dict[str, Any]:
    answer = client.get(FORECASTS + query)
    assert answer.status == 200, answer.body
    return {each["name"]: each for each in answer.json()["budgets"]}
