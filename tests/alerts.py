"""Spend alerts for tests: raise them, deliver them, and let time pass.

`DOWN` holds the ways in which a receiver fails.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import pytest

import deliver_alerts
from tests.gateway import Context
from tests.people import Acme
from tests.postgres import Database
from tests.receivers import events_error, sns_error

RAISE = (
    # What the functions that compare limits insert: they know nothing about delivery.
    "INSERT INTO ai_alerts (kind, budget_kind, subject, user_id, group_id, organization_id,"
    " period_start, period_end, threshold_percent, limit_micros, limit_source, spent_micros,"
    " reserved_micros) SELECT 'threshold', 'allowance', u::text, u,"
    " %s, %s, '2026-11-01T00:00:00Z', '2026-12-01T00:00:00Z', n, 25000000, 'group', 21250001, 0"
    " FROM (SELECT %s::uuid AS u) AS u, unnest(%s::int[]) AS n ORDER BY n"
    " RETURNING id::text"
)
STATE = (
    "SELECT a.attempts::int, 'sns' = ANY(d.receivers), 'eventbridge' = ANY(d.receivers),"
    " a.delivered_at IS NOT NULL FROM ai_alerts AS a, LATERAL (SELECT ARRAY(SELECT receiver"
    " FROM ai_alert_deliveries WHERE alert_id = a.id) AS receivers) AS d"
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
    (id_,) = raise_some(database, acme, [percent], user)
    return id_


def raise_many(database: Database, acme: Acme, count: int) -> set[str]:
    """The ids of new alerts of maya, one per percentage from 1 to `count`."""
    return set(raise_some(database, acme, range(1, count + 1)))


def raise_some(
    database: Database, acme: Acme, percents: Iterable[int], user: str | UUID = "maya"
) -> list[str]:
    """The ids of new alerts of a user, by these percentages."""
    user_id = acme.users[user] if isinstance(user, str) else user
    platform, organization = acme.groups["acme/platform"], acme.organizations["acme"]
    rows = database.rows(RAISE, platform, organization, user_id, list(percents))
    return [id_ for (id_,) in rows]


def pass_time(database: Database) -> None:
    """Make every waiting alert due, also under a lease."""
    database.run(
        "UPDATE ai_alerts SET due_at = now() - interval '1 second',"
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
