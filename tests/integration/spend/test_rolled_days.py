"""Series and overviews read days that are rolled up, and say the same as the ledger."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.gateway import Client
from tests.overview import overview
from tests.people import Acme
from tests.postgres import Database
from tests.rolled_days import assert_overview_agrees, days_ago, roll_up, rolled_days
from tests.series_model import Entry, assert_series_agree, entries
from tests.unattributed import assign
from tests.usage import custom, record, rerate, results

ORGANIZATION = "/api/v2/organizations/acme"
SPLITS: tuple[dict[str, str], ...] = (
    {},
    {"split": "model"},
    {"split": "group"},
    {"split": "client"},
    {"split": "user"},
)
REPORT: tuple[dict[str, str], ...] = (
    *SPLITS,
    {"split": "provider", "model": "m"},
    {"split": "group", "model": "m"},
    {"split": "group", "label": "client:cli"},
    {"split": "model", "label": "client:cli"},
    {"by": "week", "split": "group", "top": "1"},
    {"by": "hour", "split": "model"},
    {"by": "hour", "split": "group"},
    {"by": "hour", "time_zone": "Europe/Berlin"},
    {"by": "hour", "time_zone": "Asia/Kathmandu"},
    {"by": "day", "time_zone": "Asia/Kolkata", "split": "model"},
    {"by": "day", "time_zone": "America/New_York", "split": "group"},
    {"by": "month", "time_zone": "Asia/Kolkata", "split": "group"},
)
MORE_OF_ROLLED_DAYS = (
    "UPDATE ai_usage_quarter_hourly AS q SET cost_micros = q.cost_micros + 1000,"
    " usage_count = q.usage_count + 7, input_tokens = q.input_tokens + 9 FROM ai_rolled_days AS r"
    " WHERE r.organization_id = q.organization_id"
    " AND r.day = (q.starts_at AT TIME ZONE 'UTC')::date"
)


@pytest.fixture
def used(gateway: Client, acme: Acme, database: Database) -> Acme:
    """Usage of the last three days and of today: of two groups and of nobody, with labels, other
    units, and a model without a price.
    """
    source = {"cost_from": "book", "organization": "acme"}
    assert acme.client("olivia").put("/api/v2/ai/sources/litellm", source).status == 200
    sent = [
        record(
            number,
            user=("maya", "otto", "nobody")[number % 3],
            model=("m", "m", "unheard-of")[number % 7 % 3],
            labels=({}, {"client": "cli"})[number % 2],
            tokens={"input": 101 * number, "output": number, "input_audio": number % 3},
            occurred_at=(days_ago(3) + number * timedelta(minutes=67)).isoformat(),
        )
        for number in range(65)
    ]
    sent.append(record("today", occurred_at=days_ago(0).isoformat()))
    assert {each["status"] for each in results(gateway, *sent)} == {"recorded"}
    return acme


def of_acme(acme: Acme, database: Database) -> list[Entry]:
    found = entries(database)
    return [each for each in found if each.organization_id == acme.organizations["acme"]]


def assert_all_agrees(
    client: Client, acme: Acme, database: Database, *asked: dict[str, str]
) -> Any:
    """The series and the overview are those of the ledger. Returns the overview."""
    found = of_acme(acme, database)
    for more in asked:
        assert_series_agree(client, ORGANIZATION, found, days_ago(4), days_ago(-1), **more)
    seen = overview(client)
    assert_overview_agrees(seen, found)
    return seen


def test_a_roll_up_changes_no_report(used: Acme, adam: Client, database: Database) -> None:
    before = assert_all_agrees(adam, used, database, *SPLITS)
    start = datetime.fromisoformat(before["period_start"])
    for each in before["unpriced_models"]:
        # No two usages are of one quarter of an hour.
        assert each["tokens"] == sum(
            one.text_tokens
            for one in of_acme(used, database)
            if one.model == each["model"] and one.unpriced_usage_count and one.occurred_at >= start
        )
    assert roll_up(database).rolled_up == 3
    assert assert_all_agrees(adam, used, database, *REPORT) == before
    found = of_acme(used, database)
    # Days that are partly in the period, and days of which only one is rolled up.
    for start, end in (
        (days_ago(3) + timedelta(hours=9, minutes=15), days_ago(1) - timedelta(minutes=15)),
        (days_ago(2) - timedelta(minutes=15), days_ago(1) + timedelta(hours=20)),
        (days_ago(3) + timedelta(hours=9), days_ago(1)),
    ):
        for more in SPLITS[:4]:
            assert_series_agree(adam, ORGANIZATION, found, start, end, **more)
    database.run("DELETE FROM ai_rolled_days WHERE day = %s", days_ago(2).date())
    assert assert_all_agrees(adam, used, database, *REPORT) == before


def test_rolled_up_days_are_read_in_place_of_quarters(
    used: Acme, adam: Client, database: Database
) -> None:
    roll_up(database)
    database.run(MORE_OF_ROLLED_DAYS)
    assert_all_agrees(adam, used, database, *SPLITS)
    for more in (
        {"by": "hour", "split": "model", "time_zone": "Europe/Berlin"},
        {"by": "week", "split": "group"},
        {"by": "month", "split": "group", "time_zone": "Asia/Kolkata"},
    ):
        # Only where points start within a day or an hour are its quarters read.
        assert_all_agrees(adam, used, database, more)


def test_whatever_changes_usage_reopens_its_day(
    used: Acme, acme: Acme, adam: Client, gateway: Client, database: Database
) -> None:
    all_days = {days_ago(each).date() for each in (1, 2, 3)}
    roll_up(database)
    assert rolled_days(database) == all_days

    def assert_reopened(*ago: int) -> None:
        days = {days_ago(each).date() for each in ago}
        assert rolled_days(database) == all_days - days
        assert_all_agrees(adam, used, database, *SPLITS)
        assert roll_up(database).rolled_up == len(days)
        assert_all_agrees(adam, used, database, *SPLITS)

    at = {days: (days_ago(days) + timedelta(hours=8)).isoformat() for days in (0, 1, 2, 3)}
    results(gateway, record("now", occurred_at=at[0]))
    assert_reopened()
    results(gateway, record("late", occurred_at=at[2]), record("later", occurred_at=at[1]))
    assert_reopened(1, 2)
    amended = record("late", occurred_at=at[3], tokens={"input": 5}) | {"amends": True}
    assert results(gateway, amended)[0]["status"] == "amended"
    assert_reopened(2, 3)
    assert (
        results(gateway, {"source": "litellm", "id": "call-late", "void": True})[0]["status"]
        == "voided"
    )
    assert_reopened(3)
    assert assign(acme.client("olivia"), "nobody", "otto").json()["booked_usage_count"] > 20
    assert_reopened(1, 2, 3)
    custom(
        acme,
        model="unheard-of",
        input_price=7_000_000,
        output_price=0,
        effective_from="2020-01-01T00:00:00Z",
    )
    assert rerate()["corrected"] > 3
    # The same run rolls up the days that it corrects.
    assert rolled_days(database) == all_days
    assert_all_agrees(adam, used, database, *SPLITS)
