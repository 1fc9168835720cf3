"""Alerts as receivers get them, without a database."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from allowance.alerts.models import Alert

MAYA = UUID(int=1)
FACTS: dict[str, Any] = {
    "id": UUID(int=9),
    "kind": "threshold",
    "budget_kind": "allowance",
    "budget_id": None,
    "budget_name": None,
    "subject": str(MAYA),
    "organization_id": UUID(int=2),
    "organization_name": "acme",
    "group_id": UUID(int=3),
    "group_name": "platform",
    "threshold_percent": 85,
    "limit_micros": 25_000_000,
    "limit_source": "group",
    "spent_micros": 21_250_001,
    "reserved_micros": 500_000,
    "period_start": datetime(2026, 12, 1, tzinfo=UTC),
    "period_end": datetime(2027, 1, 1, tzinfo=UTC),
    "models": None,
    "model_count": None,
    "raised_at": datetime(2026, 12, 20, 10, 0, 0, 123456, tzinfo=UTC),
    "user": {"id": MAYA, "username": "maya", "email": "maya@acme.example"},
    "admins": [{"username": "adam", "email": "adam@acme.example"}],
    "admin_count": 1,
    "console_url": "https://api.example/console/x",
}


def alert(**changes: Any) -> Alert:
    """maya has reached 85% of her allowance."""
    return Alert(**(FACTS | changes))


def of_budget(**changes: Any) -> Alert:
    """All together have reached 85% of the budget `pool`."""
    return alert(
        **{
            "budget_kind": "budget",
            "budget_id": UUID(int=5),
            "budget_name": "pool",
            "subject": "",
            "user": None,
            "limit_source": None,
        }
        | changes
    )


def notice(**changes: Any) -> Alert:
    """acme has used three models without a price."""
    no_budget = ("budget_kind", "threshold_percent", "limit_micros", "limit_source")
    return alert(
        **dict.fromkeys((*no_budget, "spent_micros", "reserved_micros", "user"))
        | {
            "kind": "unpriced_models",
            "subject": "",
            "models": [
                {"provider": "p", "model": "x", "usage_count": 12, "tokens": 1_234_567},
                {"provider": "p", "model": "y", "usage_count": 1, "tokens": 0},
            ],
            "model_count": 3,
        }
        | changes
    )
