"""The doors of other programs: a priced call, and what is spent."""

from tests.otlp import GEN_AI
from tests.postgres import Database

PRICED = GEN_AI | {"gen_ai.provider.name": "p", "gen_ai.request.model": "m"}
"""1,000 tokens of input and 200 of output: 4,000 micro-units at the prices of `gateway`."""


def spent(database: Database) -> dict[str | None, int]:
    """What each user has spent, in micro-units; None: usage of nobody."""
    rows = database.rows(
        "SELECT u.username, sum(s.cost_micros) FROM ai_usage AS s"
        " LEFT JOIN users AS u ON u.id = s.user_id GROUP BY 1"
    )
    return {name: int(cost or 0) for name, cost in rows}
