"""ExpireUsage with concurrent readers and writers: no usage is lost, and each key counts once."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import psycopg
import pytest

from allowance.errors import DatabaseUnavailable
from allowance.rbac.system import Login
from tests.gateway import Client
from tests.ledger import assert_sums_agree, connection_of, record_in, remember_entries
from tests.postgres import Database
from tests.sessions import PATIENCE_SECONDS, beside
from tests.usage import (
    expire,
    in_month_before,
    month_before,
    months,
    name_of,
    results,
)


@pytest.fixture(autouse=True)
def remembered(database: Database) -> None:
    remember_entries(database)


@pytest.mark.thorough
def test_a_long_read_postpones_the_drop_of_a_month_with_a_warning(
    gateway: Client,
    database: Database,
    logged: Callable[[], list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("allowance.usage.retention.PAUSE_SECONDS", 0.01)
    results(gateway, *(in_month_before(each, each) for each in (0, 2, 3)))
    with psycopg.connect(database.owner_url) as reader:
        reader.execute("SELECT count(*) FROM ai_usage")
        assert expire(database, 1) == {"dropped": [], "postponed": [name_of(3), name_of(2)]}
        assert results(gateway, in_month_before(0, 9))[0]["status"] == "recorded"
    assert months(database) == [month_before(each) for each in (3, 2, 0)]
    (line,) = (each for each in logged() if each["message"] == "usage expired")
    assert (line["level"], line["postponed"]) == ("WARNING", [name_of(3), name_of(2)])
    assert expire(database, 1) == {"dropped": [name_of(3), name_of(2)], "postponed": []}


@pytest.mark.thorough
def test_a_month_in_use_holds_up_no_other_month(
    gateway: Client, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allowance.usage.retention.PAUSE_SECONDS", 0.01)
    results(gateway, *(in_month_before(each, each) for each in (0, 2, 3, 4)))
    with psycopg.connect(database.owner_url) as reader:
        reader.execute(f"SELECT count(*) FROM ai_usage_{month_before(4):%Y_%m}".encode())
        assert expire(database, 1) == {
            "dropped": [name_of(3), name_of(2)],
            "postponed": [name_of(4)],
        }
    assert expire(database, 1) == {"dropped": [name_of(4)], "postponed": []}


def test_a_short_read_costs_one_retry_only(gateway: Client, database: Database) -> None:
    results(gateway, in_month_before(3))
    with psycopg.connect(database.owner_url) as reader:
        reader.execute("SELECT count(*) FROM ai_usage")
        ends = threading.Timer(0.3, reader.rollback)
        ends.start()
        assert expire(database, 1) == {"dropped": [name_of(3)], "postponed": []}
        ends.join()


def test_a_writer_waits_only_shortly_while_the_job_waits_for_a_lock(
    gateway: Client, database: Database
) -> None:
    results(gateway, in_month_before(0), in_month_before(3, 2))
    longest = 0.0
    with psycopg.connect(database.owner_url) as reader:
        reader.execute("SELECT count(*) FROM ai_usage")
        ends = threading.Timer(3, reader.rollback)
        ends.start()
        job = threading.Thread(target=expire, args=(database, 1))
        job.start()
        connection = connection_of(database)
        number = 10
        while job.is_alive():
            started = time.monotonic()
            record_in(connection, [in_month_before(0, number := number + 1)], datetime.now(UTC))
            longest = max(longest, time.monotonic() - started)
        connection.close()
        ends.join()
    # The job waits 100 ms for the lock; the rest allows for a busy machine. The reader holds the
    # lock for three seconds.
    assert longest < 1.5
    assert months(database) == [month_before(0)]
    assert number > 20
    assert_sums_agree(database)


def test_writers_of_dropped_months_lose_nothing_and_count_once(
    gateway: Client, database: Database
) -> None:
    """Four writers send late records of two old months, which are dropped again and again."""
    recorded: list[str] = []

    def write(writer: int, stop: threading.Event) -> None:
        connection, number = connection_of(database), writer
        while not stop.is_set():
            number += 4
            batch = [in_month_before(ago, number * 10 + ago) for ago in (0, 2, 3)]
            while not stop.is_set():
                try:
                    answers = record_in(connection, batch, datetime.now(UTC))
                except DatabaseUnavailable:
                    continue  # retry, like a gateway
                recorded.extend(
                    name["id"]
                    for name, each in zip(batch, answers, strict=True)
                    if each.status == "recorded"
                )
                break

    dropped, started = 0, time.monotonic()
    with (
        psycopg.connect(database.url_of(Login.JOBS), autocommit=True) as app,
        beside(*(partial(write, number) for number in range(4))) as writers,
    ):
        # On a busy machine the writers need longer than four seconds.
        while (passed := time.monotonic() - started) < 4 or (
            passed < PATIENCE_SECONDS
            and not any(each.done() for each in writers)
            and (dropped <= 5 or len(recorded) <= 100)
        ):
            row = app.execute("SELECT dropped FROM drop_oldest_ai_usage_month(1, '{}')").fetchone()
            dropped += bool(row and row[0])
            time.sleep(0.02)
    assert dropped > 5
    expire(database, 1)
    assert len(recorded) == len(set(recorded)) > 100
    assert database.rows(
        "SELECT count(*), (SELECT sum(usage_count)::int FROM ai_spend_daily) FROM ai_usage_keys"
    ) == [(len(recorded), len(recorded))]
    assert_sums_agree(database)
