"""Spend alerts for tests: raise them, deliver them, and let time pass.

`DOWN` holds the ways in which a receiver fails.
"""

from typing import Any
from uuid import UUID

import pytest

import deliver_alerts
from tests.gateway import Context
from tests.people import Acme
from tests.postgres import Database
from tests.receivers import events_error, sns_error

RAISE = (
    # What the statement that counts usage inserts: it knows nothing about delivery.
    "INSERT INTO ai_spend_alerts (user_id, period_start, threshold_percent, group_id,"
    " organization_id, limit_source, spend_limit_micros, spent_micros)"
    " VALUES (%s, '2026-11-01T00:00:00Z', %s, %s, %s, 'group', 25000000, 21250001)"
)
STATE = (
    "SELECT attempts, sns_published_at IS NOT NULL, event_put_at IS NOT NULL, delivered_at IS "
    "NOT NULL FROM ai_spend_alerts"
)


def wait_for_receivers(patch: pytest.MonkeyPatch) -> None:
    """Have long time limits, because a busy machine is no receiver that hangs."""
    for limit in (
        "receivers.ANSWER_SECONDS",
        "delivery.CLAIMING_SECONDS",
        "delivery.SENDING_SECONDS",
    ):
        patch.setattr(f"allowance.alerts.{limit}", 60)


def deliver() -> dict[str, Any]:
    return deliver_alerts.handler({}, Context())


def raise_alert(
    database: Database, acme: Acme, user: str | UUID = "maya", percent: int = 85
) -> str:
    """The id of a new alert."""
    user_id = acme.users[user] if isinstance(user, str) else user
    database.run(RAISE, user_id, percent, acme.groups["acme/platform"], acme.organizations["acme"])
    return f"{user_id}/2026-11-01/{percent}"


def raise_many(database: Database, acme: Acme, count: int) -> set[str]:
    """The ids of new alerts of maya, one per percentage from 1 to `count`."""
    raise_alert(database, acme, percent=1)
    same = "group_id, organization_id, limit_source, spend_limit_micros, spent_micros"
    database.run(
        f"INSERT INTO ai_spend_alerts (user_id, period_start, threshold_percent, {same})"
        f" SELECT user_id, period_start, n, {same} FROM ai_spend_alerts, generate_series(2, %s) n",
        count,
    )
    return {f"{acme.users['maya']}/2026-11-01/{percent}" for percent in range(1, count + 1)}


def pass_time(database: Database) -> None:
    """Make every waiting alert due, also under a lease."""
    database.run(
        "UPDATE ai_spend_alerts SET due_at = now() - interval '1 second',"
        " leased_until = '-infinity' WHERE delivered_at IS NULL"
    )


def ids(messages: list[dict[str, Any]]) -> list[str]:
    return sorted(each["id"] for each in messages)


DOWN = {
    "500": lambda body, forward: (500, b"<html>oops</html>"),
    "503": lambda body, forward: (503, b""),
    "throttling": lambda body, forward: (
        sns_error(400, "Throttling")
        if b"PublishBatch" in body
        else events_error(400, "ThrottlingException")
    ),
    "nonsense": lambda body, forward: (200, b"<html>Welcome to the hotel"),
    "denied": lambda body, forward: (
        sns_error(403, "AuthorizationError")
        if b"PublishBatch" in body
        else events_error(403, "AccessDeniedException")
    ),
}
