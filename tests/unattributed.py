"""Usage without a user, for tests: the list of names, assignments, and the job that books it."""

from datetime import UTC, datetime
from typing import Any

import attribute_usage
from tests.directory_documents import apply
from tests.gateway import Answer, Client, Context
from tests.postgres import Database

PATH = "/api/v2/ai/usage/unattributed"
COST = 3000
"""What a record of `tests.usage` costs."""

BY_USER = (
    "SELECT coalesce(u.username, 'nobody'), sum(m.cost_micros)::int FROM ai_user_spend_monthly AS m"
    " LEFT JOIN users AS u ON u.id = m.user_id GROUP BY 1 HAVING sum(m.cost_micros) <> 0"
)


def listed(client: Client, query: str = "") -> dict[str, Any]:
    answer = client.get(PATH + query)
    assert answer.status == 200, answer.body
    return answer.json()


def assign(client: Client, name: str, user: str | None, source: str = "litellm") -> Answer:
    return client.post(PATH, {"source": source, "name": name, "user": user})


def spent(database: Database) -> dict[str, int]:
    """The spend of each user, and of nobody."""
    return dict(database.rows(BY_USER))


def attribute() -> dict[str, Any]:
    return attribute_usage.handler({}, Context())


def appear(name: str, **more: Any) -> None:
    """Have a user of this name in the directory, created now."""
    apply({"users": [{"username": name, "organizations": [{"name": "acme"}], **more}]})


def now() -> str:
    return datetime.now(UTC).isoformat()
