"""Forecasts by HTTP: whose they are, their periods, and the days that they take into account."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from allowance.budgets.effective import period_containing
from allowance.budgets.periods import Calendar, period_of
from allowance.contract.fields import rfc3339
from allowance.overview.projection import Projection, project
from tests.gateway import Client
from tests.organization_budgets import created, group, user
from tests.overview import by_name
from tests.people import Acme
from tests.postgres import Database
from tests.spend import today

MAYA = "/api/v2/users/maya/ai/forecast"
NOTHING = dict.fromkeys(("expected_micros", "low_micros", "high_micros", "exhausted_at"))
HOLD = (
    "INSERT INTO ai_reservation_holds"
    " (user_id, expires_at, reservation_id, amount_micros, group_id)"
    " VALUES (%s, now() + interval '1 hour', gen_random_uuid(), 7, %s)"
)


def spend_on(ago: int) -> Decimal:
    """What is spent on a day, days ago: more each day of the week, and never round."""
    day = today() - timedelta(days=ago)
    return Decimal(day.isoweekday() * 100 + ago % 3) + Decimal("0.25")


BY_DAY = {today() - timedelta(days=ago): spend_on(ago) for ago in range(75)}


@pytest.fixture
def daily(acme: Acme, database: Database) -> Acme:
    """75 days of maya's usage, for platform, at midnight in UTC."""
    platform, everyone, maya = (
        acme.groups["acme/platform"],
        acme.organizations["acme"],
        acme.users["maya"],
    )
    columns = (
        "organization_id, group_id, provider, model, cost_micros, input_tokens, output_tokens,"
        " cache_read_tokens, cache_write_tokens, cache_write_1h_tokens, usage_count,"
        " unpriced_usage_count"
    )
    values = "%s, %s, 'p', 'm', micros, 0, 0, 0, 0, 0, 1, 0"
    given = "unnest(%s::date[], %s::numeric[]) AS u (day, micros)"
    of_days = (everyone, platform, list(BY_DAY), list(BY_DAY.values()))
    database.run(
        f"INSERT INTO ai_spend_daily (user_id, day, {columns})"
        f" SELECT %s, day, {values} FROM {given}",
        maya,
        *of_days,
    )
    database.run(
        f"INSERT INTO ai_usage_quarter_hourly (starts_at, {columns})"
        f" SELECT day::timestamp AT TIME ZONE 'UTC', {values} FROM {given}",
        *of_days,
    )
    for table, key in (
        ("ai_user_spend_monthly (user_id, month, cost_micros)", "user_id"),
        ("ai_group_spend_monthly (group_id, user_id, month, cost_micros)", "group_id, user_id"),
    ):
        database.run(
            f"INSERT INTO {table} SELECT {key}, date_trunc('month', day)::date AS month,"
            f" sum(cost_micros) FROM ai_spend_daily GROUP BY {key}, month"
        )
    return acme


def told(
    found: dict[str, Any], calendar: Calendar, limit: int | None, by_day: Any = BY_DAY
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The forecast of a response, and what the rule says of the same time; but for seconds, since
    the two have not the same.
    """
    now = datetime.now(UTC)
    period = period_of(calendar, now)
    assert period is not None
    start = period.start.astimezone(ZoneInfo(calendar.time_zone)).date()
    spent = sum((micros for day, micros in by_day.items() if day >= start), Decimal(0))
    ends = project(
        now,
        period,
        ZoneInfo(calendar.time_zone),
        spent,
        None if limit is None else Decimal(limit),
        by_day,
    )
    expected = {
        "period_start": rfc3339(period.start),
        "period_end": rfc3339(period.end),
        "limit_micros": limit,
        "spent_micros": round(spent),
        "reserved_micros": 0,
    }
    assert {name: found[name] for name in expected} == expected
    assert (found["exhausted_at"] is None) == (ends.exhausted_at is None)
    return numbers(found), numbers_of(ends)


def numbers(found: dict[str, Any]) -> dict[str, Any]:
    return {name: found[f"{name}_micros"] for name in ("expected", "low", "high")}


def numbers_of(ends: Projection) -> dict[str, Any]:
    """Of a time some seconds away: today goes on meanwhile."""
    each = {"expected": ends.expected, "low": ends.low, "high": ends.high}
    return {
        name: None if value is None else pytest.approx(float(value), rel=1e-2, abs=2)
        for name, value in each.items()
    }


def test_a_budget_is_forecast_by_its_own_calendar(daily: Acme, adam: Client) -> None:
    calendars = {
        "month": Calendar("month"),
        "week": Calendar("week", week_starts=3),
        "quarter": Calendar("quarter", year_starts=2),
        "year": Calendar("year", year_starts=today().month),
        # Usage at midnight in UTC is of the same day there.
        "kolkata": Calendar("month", "Asia/Kolkata"),
    }
    for name, each in calendars.items():
        created(
            adam, name, limit_micros=3000,
            period={"unit": each.unit, "time_zone": each.time_zone, "week_starts": each.week_starts,
                    "year_starts": each.year_starts},
        )  # fmt: skip
    found = by_name(adam)
    for name, each in calendars.items():
        answer, expected = told(found[name], each, 3000)
        assert answer == expected, name
        assert (found[name]["per"], len(found[name]["budget_id"])) == ("total", 36)


def test_only_what_a_budget_counts_is_forecast(
    daily: Acme, adam: Client, database: Database
) -> None:
    month = Calendar("month")
    created(adam, "platform", scope=group(daily.groups["acme/platform"]), limit_micros=10**6)
    created(adam, "research", scope=group(daily.groups["acme/research"]), limit_micros=10**6)
    created(adam, "other models", models=["q/*"], limit_micros=10**6)
    created(adam, "maya", scope=user(daily.users["maya"]), limit_micros=10**6)
    created(adam, "otto", scope=user(daily.users["otto"]), limit_micros=10**6)
    label = {"type": "label", "key": "project", "value": "a"}
    created(adam, "label", scope=label, limit_micros=10**6)
    found = by_name(adam)
    for name in ("platform", "maya"):
        answer, expected = told(found[name], month, 10**6)
        assert answer == expected, name
    for name in ("research", "other models", "otto", "label"):
        answer, expected = told(found[name], month, 10**6, {})
        assert answer == expected, name
    database.run(
        "INSERT INTO ai_label_sets SELECT ai_label_set_id(l), l FROM (SELECT"
        ' \'{"project": "a"}\'::jsonb AS l) AS s'
    )
    database.run(
        'UPDATE ai_usage_quarter_hourly SET label_set_id = ai_label_set_id(\'{"project": "a"}\')'
    )
    answer, expected = told(by_name(adam)["label"], month, 10**6)
    assert answer == expected


def test_a_budget_without_a_period_or_of_many_limits_has_no_forecast(
    daily: Acme, adam: Client
) -> None:
    created(adam, "forever", period={"unit": "none"})
    created(adam, "members", per="member")
    found = by_name(adam)
    for each in found.values():
        assert {name: each[name] for name in NOTHING} == NOTHING
    assert found["forever"]["spent_micros"] == round(sum(BY_DAY.values()))
    assert found["forever"]["period_end"] is None
    assert found["members"]["spent_micros"] is None
    assert found["members"]["period_end"] is not None


YEAR = {"unit": "year", "year_starts": today().month}


def test_only_the_time_between_the_dates_of_a_budget_counts(
    daily: Acme, adam: Client, database: Database
) -> None:
    id_ = created(adam, "late", limit_micros=10**6, period=YEAR)["id"]
    now = datetime.now(UTC)
    before, soon = now - timedelta(days=400), now + timedelta(hours=12)
    database.run("UPDATE ai_budgets SET starts_at = %s, ends_at = %s", before, soon)
    found = by_name(adam)["late"]
    assert found["expected_micros"] - found["spent_micros"] < 1100, "half a day is left"
    database.run("UPDATE ai_budgets SET starts_at = %s, ends_at = NULL", soon)
    ahead = by_name(adam)["late"]
    assert (ahead["budget_id"], ahead["spent_micros"]) == (id_, 0)
    year = period_of(Calendar("year", year_starts=today().month), now)
    assert year is not None
    days = (year.end - soon).days
    assert days * 90 < ahead["expected_micros"] < (days + 1) * 710
    database.run(
        "UPDATE ai_budgets SET starts_at = %s, ends_at = %s", before, before + timedelta(1)
    )
    assert by_name(adam)["late"]["expected_micros"] is None, "its time is over"


def test_a_user_and_a_group_are_forecast_by_the_month(
    daily: Acme, adam: Client, maya: Client, database: Database
) -> None:
    platform = daily.groups["acme/platform"]
    path = f"/api/v2/groups/{platform}/ai/forecast"
    without = maya.get(MAYA).json()
    assert told(without, Calendar("month"), None)[0] == told(without, Calendar("month"), None)[1]
    assert (without["limit_source"], without["user_id"]) == (None, str(daily.users["maya"]))
    adam.put(daily.budget_path(), {"spend_limit_micros": 10**6})
    answer, expected = told(
        maya.get("/api/v2/users/me/ai/forecast").json(), Calendar("month"), 10**6
    )
    assert answer == expected
    assert maya.get(MAYA).json()["limit_source"] == "group"
    of_group = maya.get(path).json()
    answer, expected = told(of_group, Calendar("month"), 10**6)
    assert (answer, of_group["group_id"]) == (expected, str(platform))
    database.run(HOLD, daily.users["maya"], platform)
    database.run(HOLD, daily.users["maya"], daily.groups["acme/research"])
    assert maya.get(path).json()["reserved_micros"] == 7
    assert maya.get(MAYA).json()["reserved_micros"] == 14
    assert maya.get(path).json()["expected_micros"] == pytest.approx(
        of_group["expected_micros"], rel=1e-2
    )


def test_a_limit_that_is_spent_is_exhausted_now(daily: Acme, adam: Client, maya: Client) -> None:
    adam.put(daily.budget_path(), {"spend_limit_micros": 0})
    before = datetime.now(UTC)
    at = datetime.fromisoformat(maya.get(MAYA).json()["exhausted_at"])
    assert before - timedelta(minutes=1) < at < before + timedelta(minutes=1)


def test_the_month_of_a_user_is_that_of_the_limit(maya: Client) -> None:
    month = period_containing(datetime.now(UTC))
    found = maya.get(MAYA).json()
    assert found["period_start"] == rfc3339(month.start)
    assert found["period_end"] == rfc3339(month.end)
    assert (found["low_micros"], found["high_micros"]) == (None, None)
