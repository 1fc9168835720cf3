"""Days that are rolled up, for tests: the job, and responses that do not depend on it."""

from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from time import monotonic
from typing import Any

from allowance.access.gate import Gate
from allowance.rbac.policy import USAGE, Action
from allowance.rbac.system import USAGE_RERATER
from allowance.usage.roll_up import DayCounts, roll_up_days
from tests.ledger import connection_of
from tests.postgres import Database
from tests.series_model import Entry

DAYS = (
    "SELECT o.name, r.day FROM ai_rolled_days AS r JOIN organizations AS o"
    " ON o.id = r.organization_id"
)


def roll_up(database: Database, seconds: float = 60) -> DayCounts:
    """Roll up days as RerateUsage does."""
    with closing(connection_of(database)) as connection:
        db = Gate(USAGE_RERATER.subject, connection).open(Action.UPDATE, USAGE)
        return roll_up_days(db, monotonic() + seconds, "test")


def rolled_days(database: Database, organization: str = "acme") -> set[date]:
    return {day for name, day in database.rows(DAYS) if name == organization}


def days_ago(days: int) -> datetime:
    """The beginning of a UTC day before today."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=days)


def assert_overview_agrees(seen: Mapping[str, Any], found: list[Entry]) -> None:
    """The days, models, groups and totals of an overview are those of an organization's entries."""
    start = datetime.fromisoformat(seen["period_start"])
    end = datetime.fromisoformat(seen["period_end"])
    used = [each for each in found if start <= each.occurred_at < end]

    def sums(of: list[Entry]) -> tuple[int, int, int]:
        cost, _, count, unpriced = (
            sum(each) for each in zip(*(one.sums for one in of), strict=True)
        )
        return round(cost), count, unpriced

    nothing = (0, 0, 0)
    totals = seen["totals"]
    assert (
        totals["spent_micros"], totals["usage_count"], totals["unpriced_usage_count"]
    ) == (sums(used) if used else nothing)  # fmt: skip
    for each in seen["days"]:
        of_day = [one for one in used if f"{one.occurred_at.astimezone(UTC):%F}" == each["day"]]
        assert (
            each["cost_micros"], each["usage_count"], each["unpriced_usage_count"]
        ) == (sums(of_day) if of_day else nothing), each["day"]  # fmt: skip
    for each in seen["models"]:
        of_model = [
            one for one in used if (one.provider, one.model) == (each["provider"], each["model"])
        ]
        assert (each["cost_micros"], each["usage_count"]) == sums(of_model)[:2]
    for each in seen["groups"]:
        of_group = [one for one in used if str(one.group_id) == each["group_id"]]
        cost, _, unpriced = sums(of_group) if of_group else nothing
        assert (each["current_spend_micros"], each["unpriced_usage_count"]) == (cost, unpriced)
