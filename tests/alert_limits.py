"""A limit in micros, and usage that reaches its alert thresholds."""

from datetime import UTC, datetime
from typing import Any

from tests.usage import record

LIMIT = 10_000
RAISED = (
    "SELECT threshold_percent, spent_micros::bigint FROM ai_alerts ORDER BY raised_at, "
    "threshold_percent"
)


def used(number: int, micros: int, **changes: Any) -> dict[str, Any]:
    """A usage record that occurs now and costs the given micros."""
    now = datetime.now(UTC).isoformat()
    return record(number, **{"occurred_at": now, "tokens": {"input": micros}} | changes)
