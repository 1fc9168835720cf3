"""What forecasts know of the days before: the sums of the ledger, rolled up or not."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from tests.gateway import Client
from tests.organization_budgets import created, group, user
from tests.people import Acme
from tests.postgres import Database
from tests.rolled_days import days_ago, roll_up
from tests.series_model import Entry, entries
from tests.usage import record, results

MORE_OF_ROLLED_DAYS = (
    "UPDATE ai_usage_quarter_hourly AS q SET cost_micros = q.cost_micros + 1000"
    " FROM ai_rolled_days AS r WHERE r.organization_id = q.organization_id"
    " AND r.day = (q.starts_at AT TIME ZONE 'UTC')::date"
)
Days = dict[tuple[str, str], Decimal]


def days_of(database: Database, organization: UUID, names: dict[UUID, str]) -> Days:
    found = database.rows(
        "SELECT budget_id, day::text, cost_micros FROM ai_budget_days(%s, %s, %s)",
        organization,
        list(names),
        days_ago(4),
    )
    return {(names[id_], day): micros for id_, day, micros in found if micros}


def test_a_forecast_knows_the_days_of_the_ledger_rolled_up_or_not(
    acme: Acme, adam: Client, gateway: Client, database: Database
) -> None:
    platform, maya = acme.groups["acme/platform"], acme.users["maya"]
    kinds: dict[str, tuple[dict[str, Any], Callable[[Entry], bool]]] = {
        "all": ({}, lambda _: True),
        "platform": ({"scope": group(platform)}, lambda e: e.group_id == platform),
        "maya": ({"scope": user(maya)}, lambda e: e.user_id == maya),
        "cli": (
            {"scope": {"type": "label", "key": "client", "value": "cli"}},
            lambda e: e.labels.get("client") == "cli",
        ),
        "m": ({"models": ["p/m"]}, lambda e: e.model == "m"),
        "m of platform": (
            {"models": ["p/m"], "scope": group(platform)},
            lambda e: e.model == "m" and e.group_id == platform,
        ),
    }
    zones = ("UTC", "Asia/Kolkata", "America/New_York")
    names = {
        UUID(
            created(
                adam, f"{kind} {zone[:4]}", period={"unit": "month", "time_zone": zone}, **terms
            )["id"]
        ): f"{kind} {zone}"
        for zone in zones
        for kind, (terms, _) in kinds.items()
    }
    sent = [
        record(
            number,
            user=("maya", "otto")[number % 2],
            model=("m", "m", "unheard-of")[number % 7 % 3],
            labels=({}, {"client": "cli"})[number // 2 % 2],
            tokens={"input": 100 * number},
            occurred_at=(days_ago(3) + number * timedelta(minutes=67)).isoformat(),
        )
        for number in range(60)
    ]
    assert {each["status"] for each in results(gateway, *sent)} == {"recorded"}
    organization = acme.organizations["acme"]
    expected: Days = {}
    for entry in entries(database):
        for zone in zones:
            for kind, (_, counts) in kinds.items():
                # A budget of one user counts whole days in UTC.
                at = entry.occurred_at.astimezone(UTC if kind == "maya" else ZoneInfo(zone))
                if counts(entry) and entry.cost_micros:
                    key = f"{kind} {zone}", f"{at:%F}"
                    expected[key] = expected.get(key, Decimal(0)) + entry.cost_micros
    assert days_of(database, organization, names) == expected
    assert roll_up(database).rolled_up == 3
    assert days_of(database, organization, names) == expected
    database.run(MORE_OF_ROLLED_DAYS)
    again = days_of(database, organization, names)
    for kind in ("all", "maya", "cli", "m"):
        for zone in zones:
            name = f"{kind} {zone}"
            of_days = {each: micros for each, micros in expected.items() if each[0] == name}
            # The only quarters of an hour are those of hours in which a day starts.
            read = {each: micros for each, micros in again.items() if each[0] == name}
            assert sum(read.values()) - sum(of_days.values()) <= (0, 4000)[zone == "Asia/Kolkata"]
    of_platform = {each: micros for each, micros in again.items() if each[0] == "platform UTC"}
    assert of_platform == {each: expected[each] for each in of_platform}


def test_the_days_of_another_organization_are_left_out(
    acme: Acme, adam: Client, gateway: Client, database: Database
) -> None:
    id_ = UUID(created(adam)["id"])
    results(gateway, record(1, occurred_at=datetime.now(UTC).isoformat()))
    assert days_of(database, acme.organizations["acme"], {id_: "all"})
    assert not days_of(database, uuid4(), {id_: "all"})
