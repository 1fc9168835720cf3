"""Amendments and voids for tests, and what they leave."""

from typing import Any

from tests.gateway import Client
from tests.ledger import assert_sums_agree
from tests.postgres import Database
from tests.usage import record, results

VOID = {"source": "litellm", "id": "call-1", "void": True}
TWICE = {"input": 2000, "output": 200}
COST = 3000


def amended(**changes: Any) -> dict[str, Any]:
    return record(amends=True, **changes)


def statuses(client: Client, *records: object) -> list[str]:
    return [each["status"] for each in results(client, *records)]


def spent(database: Database) -> Any:
    """The sum of the ledger, the usages and the input tokens in it."""
    assert_sums_agree(database)
    ((cost, count, tokens),) = database.rows(
        "SELECT coalesce(sum(cost_micros), 0), sum(usage_count)::int, sum(input_tokens)::int"
        " FROM ai_usage"
    )
    return cost, count, tokens
