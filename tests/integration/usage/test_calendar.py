"""Hours, days and months of usage are in UTC, in every time zone of gateway, server and process."""

import os
import time
from collections import Counter
from collections.abc import Generator
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest

from allowance.budgets.effective import period_containing
from tests.conftest import environment
from tests.depth import by_depth
from tests.gateway import Client
from tests.ledger import assert_sums_agree, remember_entries
from tests.people import Acme
from tests.postgres import Database
from tests.usage import (
    custom,
    expire,
    in_month_before,
    month_before,
    months,
    name_of,
    record,
    rerate,
    rerated,
    results,
)

# Timestamps as gateways in many places send them, each with its time in UTC.
MOMENTS = {
    # The end of a month to the microsecond, also with the offsets of other places. Berlin is in
    # November by then, and New York stays in October for some hours.
    "2026-10-31T23:59:59.999999Z": "2026-10-31T23:59:59.999999",
    "2026-11-01T00:00:00Z": "2026-11-01T00:00:00",
    "2026-11-01T00:59:59.999999+01:00": "2026-10-31T23:59:59.999999",
    "2026-11-01T01:00:00+01:00": "2026-11-01T00:00:00",
    "2026-10-31T19:59:59.999999-04:00": "2026-10-31T23:59:59.999999",
    "2026-10-31T20:00:00-04:00": "2026-11-01T00:00:00",
    "2026-10-31T12:00:00+14:00": "2026-10-30T22:00:00",
    "2026-11-01T13:59:59+14:00": "2026-10-31T23:59:59",
    "2026-10-31T12:00:00-12:00": "2026-11-01T00:00:00",
    # The hour that Berlin repeats, both times, and the hour that Berlin skips.
    "2026-10-25T02:30:00+02:00": "2026-10-25T00:30:00",
    "2026-10-25T02:30:00+01:00": "2026-10-25T01:30:00",
    "2026-10-25T00:59:59.999999Z": "2026-10-25T00:59:59.999999",
    "2026-10-25T01:00:00Z": "2026-10-25T01:00:00",
    "2026-03-29T00:59:59.999999Z": "2026-03-29T00:59:59.999999",
    "2026-03-29T03:00:00+02:00": "2026-03-29T01:00:00",
    # The same for New York. The repeated hour is on the first of a month.
    "2026-11-01T01:30:00-04:00": "2026-11-01T05:30:00",
    "2026-11-01T01:30:00-05:00": "2026-11-01T06:30:00",
    "2026-03-08T01:59:59.999999-05:00": "2026-03-08T06:59:59.999999",
    "2026-03-08T03:00:00-04:00": "2026-03-08T07:00:00",
    # Ends of a leap day, of a year and of short and long months.
    "2024-02-29T23:59:59.999999Z": "2024-02-29T23:59:59.999999",
    "2024-03-01T00:00:00Z": "2024-03-01T00:00:00",
    "2025-12-31T23:59:59.999999Z": "2025-12-31T23:59:59.999999",
    "2026-01-01T00:30:00+01:00": "2025-12-31T23:30:00",
    "2025-12-31T19:00:00-05:00": "2026-01-01T00:00:00",
}
COST = 3000
ZONES = ("Europe/Berlin", "America/New_York")
PLACES = ("server", "session", "process")
EACH_BY_ITSELF = [f"{zone} {place}" for zone in ZONES for place in PLACES]


@pytest.fixture(
    params=[
        "nowhere",
        *(f"{zone} everywhere" for zone in ZONES),
        *by_depth([], EACH_BY_ITSELF, EACH_BY_ITSELF),
    ]
)
def zone(request: pytest.FixtureRequest, database: Database, gateway: Client) -> Generator[str]:
    """A time zone of the server, the session, the process or all. The functions restart in it."""
    name, _, where = request.param.partition(" ")
    set_in = {"everywhere": PLACES, "": ()}.get(where, (where,))
    if "server" in set_in:
        database.run(f"ALTER DATABASE {database.name} SET timezone TO '{name}'")
    with pytest.MonkeyPatch.context() as patch:
        if "session" in set_in:
            patch.setenv("PGTZ", name)
        if "process" in set_in:
            patch.setenv("TZ", name)
        time.tzset()
        database.close()  # the next session begins in the zone
        with environment(DATABASE_URL=database.app_url), psycopg.connect(database.app_url) as app:
            of_session = app.execute("SHOW timezone").fetchone()
            # The role sets UTC and overrules the server. PGTZ overrules the role.
            assert of_session == ((name if "session" in set_in else "UTC"),)
            ((of_server,),) = database.rows("SHOW timezone")
            # Servers without a setting use either name of UTC.
            assert of_server in (
                {name} if {"server", "session"} & set(set_in) else {"UTC", "Etc/UTC"}
            )
            assert (datetime(2026, 7, 1).astimezone().utcoffset() != UTC.utcoffset(None)) == (
                "process" in set_in
            )
            yield request.param
    time.tzset()
    assert "PGTZ" not in os.environ


def in_utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def counted(database: Database, query: str) -> dict[Any, int]:
    return {key: int(number) for key, number in database.rows(query)}


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize("late", [False, True], ids=["in order", "late"])
def test_each_usage_counts_in_its_quarter_hour_day_and_month_of_utc(
    gateway: Client, database: Database, late: bool
) -> None:
    ordered = sorted(MOMENTS, key=lambda text: MOMENTS[text], reverse=late)
    # One request per record, so that months are created in this order too.
    for number, text in enumerate(ordered):
        assert results(gateway, record(number, occurred_at=text))[0]["status"] == "recorded"
    assert {
        each["status"]
        for each in results(
            gateway, *(record(n, occurred_at=text) for n, text in enumerate(ordered))
        )
    } == {"duplicate"}
    moments = [in_utc(each) for each in MOMENTS.values()]
    by_day, by_month = (
        Counter(each.date() for each in moments),
        Counter(each.date().replace(day=1) for each in moments),
    )
    by_quarter = Counter(
        each.replace(minute=each.minute // 15 * 15, second=0, microsecond=0, tzinfo=None)
        for each in moments
    )
    assert (
        counted(database, "SELECT day, sum(usage_count) FROM ai_spend_daily GROUP BY day") == by_day
    )
    assert (
        counted(
            database,
            "SELECT starts_at AT TIME ZONE 'UTC', sum(usage_count) FROM ai_usage_quarter_hourly"
            " GROUP BY starts_at",
        )
        == by_quarter
    )
    for table in ("ai_user_spend_monthly", "ai_group_spend_monthly"):
        assert (
            counted(
                database, f"SELECT month, sum(cost_micros) / {COST} FROM {table} GROUP BY month"
            )
            == by_month
        )
    for month, number in by_month.items():
        assert database.rows(f"SELECT count(*) FROM ai_usage_{month:%Y_%m}") == [(number,)]
    assert months(database) == sorted(by_month)
    assert_sums_agree(database)


@pytest.mark.usefixtures("zone")
def test_a_correction_counts_when_the_usage_did(
    gateway: Client, acme: Acme, database: Database
) -> None:
    results(gateway, *(record(n, occurred_at=text) for n, text in enumerate(MOMENTS)))
    custom(
        acme, input_price=4_000_000, output_price=10_000_000, effective_from="2026-11-01T00:00:00Z"
    )
    november = [each for each in MOMENTS.values() if each.startswith("2026-11")]
    assert rerate() == rerated(len(MOMENTS), len(november), 2000 * len(november))
    ((micros,),) = database.rows(
        "SELECT sum(cost_micros)::int FROM ai_user_spend_monthly WHERE month = '2026-11-01'"
    )
    assert micros == (COST + 2000) * len(november)
    assert_sums_agree(database)


@pytest.mark.usefixtures("zone")
def test_a_price_takes_effect_on_time_in_a_repeated_hour_too(
    gateway: Client, acme: Acme, database: Database
) -> None:
    changes = {
        "2026-10-25T00:20:00": 1,
        "2026-10-25T01:10:00": 2,
        "2026-11-01T05:20:00": 3,
        "2026-11-01T06:10:00": 4,
    }
    for since, micros in changes.items():
        custom(acme, input_price=micros * 1_000_000, output_price=0, effective_from=f"{since}Z")
    hours = ("10-25T00", "10-25T01", "11-01T05", "11-01T06")
    used = {f"2026-{hour}:{minute:02}:00": 0 for hour in hours for minute in range(0, 60, 5)}
    for moment in used:
        used[moment] = max(
            (micros for since, micros in changes.items() if since <= moment), default=2
        )
    batch = [
        record(n, occurred_at=f"{moment}Z", tokens={"input": 1000}) for n, moment in enumerate(used)
    ]
    assert [each["cost_micros"] for each in results(gateway, *batch)] == [
        1000 * micros for micros in used.values()
    ]
    # A new version makes the job examine every record again. None differs.
    custom(acme, input_price=9_000_000, output_price=0, effective_from="2026-11-20T00:00:00Z")
    assert rerate() == rerated(len(used), 0, 0)
    assert_sums_agree(database)


@pytest.mark.usefixtures("zone")
def test_months_expire_and_the_current_month_begins_in_utc(
    gateway: Client, acme: Acme, database: Database
) -> None:
    remember_entries(database)
    results(gateway, *(in_month_before(ago, ago) for ago in range(4)))
    last = f"{month_before(1)}T00:30:00+01:00"  # the month before that
    results(gateway, record(9, occurred_at=last))
    assert expire(database, 1) == {"dropped": [name_of(3), name_of(2)], "postponed": []}
    assert months(database) == [month_before(1), month_before(0)]
    assert_sums_agree(database)
    spend = acme.client("maya").get("/api/v2/users/me/ai/spend").json()
    period = period_containing(datetime.now(UTC))
    assert spend["period_start"] == f"{period.start:%Y-%m-%dT%H:%M:%S.%fZ}"
    assert spend["period_end"] == f"{period.end:%Y-%m-%dT%H:%M:%S.%fZ}"
    assert date.fromisoformat(spend["period_start"][:10]) == month_before(0)
    assert spend["current_spend_micros"] == COST
