"""The job rolls up the days that are over, beside writers of late usage."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

import rerate_usage
from allowance.errors import RerateFailed
from allowance.rbac.system import Login
from allowance.usage.roll_up import DayCounts
from tests.gateway import Client, Context
from tests.ledger import connection_of, record_in
from tests.people import Acme
from tests.postgres import Database
from tests.rolled_days import days_ago, roll_up, rolled_days
from tests.series_model import assert_series_agree, entries
from tests.sessions import be_patient, wait_for_waiters
from tests.usage import record, results

ROLL_UP = "SELECT roll_up_ai_day(%s, %s)"


def late(number: int | str, days: int = 1) -> dict[str, Any]:
    return record(number, occurred_at=(days_ago(days) + timedelta(hours=7)).isoformat())


def assert_series_are_right(client: Client, database: Database) -> None:
    for more in ({"split": "model"}, {"split": "group"}):
        assert_series_agree(
            client,
            "/api/v2/organizations/acme",
            entries(database),
            days_ago(5),
            days_ago(-1),
            **more,
        )


def test_each_day_from_the_first_usage_to_yesterday_is_rolled_up_once(
    gateway: Client, database: Database, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    results(gateway, late(1, 4), late(2, 2), record(3, occurred_at=days_ago(0).isoformat()))
    nothing = DayCounts(rolled_up=0, busy=0, failed=0)
    assert roll_up(database, seconds=0) == nothing
    rerate_usage.handler({}, Context())
    # A day without usage too: the days between two others are one range to read.
    assert rolled_days(database) == {days_ago(each).date() for each in (1, 2, 3, 4)}
    assert rolled_days(database, "globex") == set()
    *_, line = (each for each in logged() if each["message"] == "days rolled up")
    assert (line["rolled_up"], line["busy"], line["failed"]) == (4, 0, 0)
    assert roll_up(database) == nothing


def test_a_run_goes_on_after_a_page_and_stops_in_time(
    gateway: Client, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allowance.usage.roll_up.DAYS", 1)
    others = {"user": "gus", "group": "globex/Everyone"}
    results(gateway, late(1, 3), late(2, 2) | others)
    assert roll_up(database).rolled_up == 5
    assert rolled_days(database, "globex") == {days_ago(each).date() for each in (1, 2)}


def test_a_day_is_over_15_minutes_after_its_end(
    gateway: Client, acme: Acme, database: Database
) -> None:
    today = days_ago(0)
    results(gateway, late(1, 3))
    with (
        psycopg.connect(database.url_of(Login.JOBS)) as job,
        pytest.raises(psycopg.errors.CheckViolation, match="not over"),
    ):
        job.execute(ROLL_UP, (acme.organizations["acme"], today.date()))
    is_early = datetime.now(UTC) - today < timedelta(minutes=15)
    roll_up(database)
    assert (days_ago(1).date() in rolled_days(database)) == (not is_early)


def test_a_day_that_fails_holds_back_no_other(
    gateway: Client, database: Database, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    results(gateway, late(1, 3))
    bad = days_ago(2).date()
    database.run(f"ALTER TABLE ai_rolled_days ADD CONSTRAINT bad CHECK (day <> '{bad}')")
    with pytest.raises(RerateFailed, match="1 days could not be rolled up"):
        rerate_usage.handler({}, Context())
    assert rolled_days(database) == {days_ago(each).date() for each in (1, 3)}
    (line,) = (each for each in logged() if each["message"] == "day not rolled up")
    assert line["day"] == f"{bad}"


def test_a_day_that_late_usage_is_written_to_waits_for_the_next_run(
    gateway: Client, adam: Client, database: Database
) -> None:
    results(gateway, late(1, 2))
    with closing(connection_of(database)) as writer, writer.transaction():
        record_in(writer, [late(2)], datetime.now(UTC))
        # One lock for all days of an organization.
        assert roll_up(database) == DayCounts(rolled_up=0, busy=2, failed=0)
    assert_series_are_right(adam, database)
    assert roll_up(database) == DayCounts(rolled_up=2, busy=0, failed=0)
    assert_series_are_right(adam, database)


def test_usage_of_today_stops_no_roll_up(gateway: Client, database: Database) -> None:
    results(gateway, late(1))
    with closing(connection_of(database)) as writer, writer.transaction():
        record_in(writer, [record(2, occurred_at=datetime.now(UTC).isoformat())], datetime.now(UTC))
        assert roll_up(database).rolled_up == 1


def test_late_usage_waits_for_a_roll_up_and_reopens_the_day(
    gateway: Client, acme: Acme, adam: Client, database: Database
) -> None:
    be_patient(database)
    results(gateway, late(1))
    with (
        closing(connection_of(database)) as writer,
        ThreadPoolExecutor(1) as pool,
        psycopg.connect(database.url_of(Login.JOBS)) as job,
    ):
        job.execute(ROLL_UP, (acme.organizations["acme"], days_ago(1).date()))
        writing = pool.submit(record_in, writer, [late(2)], datetime.now(UTC))
        wait_for_waiters(database)
        job.commit()
        writing.result()
    assert rolled_days(database) == set()
    assert_series_are_right(adam, database)


def test_late_usage_that_fails_leaves_the_day_rolled_up(
    gateway: Client, database: Database
) -> None:
    results(gateway, late(1))
    roll_up(database)
    with (
        suppress(psycopg.Rollback),
        closing(connection_of(database)) as writer,
        writer.transaction(),
    ):
        record_in(writer, [late(2)], datetime.now(UTC))
        raise psycopg.Rollback
    assert rolled_days(database) == {days_ago(1).date()}
