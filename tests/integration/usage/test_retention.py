"""ExpireUsage: months that are older than what is kept go, while others write; the sums stay, and
each key counts once.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest

import expire_usage
import rerate_usage
from allowance.database.database import Database as Connection
from allowance.database.settings import DatabaseSource
from allowance.errors import DatabaseUnavailable
from allowance.settings import BadSetting
from allowance.usage.settings import usage_retention_months
from tests.conftest import environment
from tests.gateway import Client, Context
from tests.integration.usage.test_months import MONTHS
from tests.integration.usage.test_recording import gateway, record, results
from tests.ledger import assert_sums_agree, connection_of, record_in, remember_entries
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed

__all__ = ["gateway"]


@pytest.fixture(autouse=True)
def remembered(database: Database) -> None:
    remember_entries(database)


UNPRICED = "/api/v2/ai/usage/unpriced"
SUMS = (
    "SELECT user_id, group_id, day, cost_micros, usage_count, unpriced_usage_count FROM ai_spend_daily ORDER BY day",
    "SELECT hour, model, cost_micros, usage_count, unpriced_usage_count FROM ai_usage_hourly ORDER BY hour, model",
    "SELECT user_id, month, cost_micros FROM ai_user_spend_monthly ORDER BY month",
    "SELECT group_id, user_id, month, cost_micros FROM ai_group_spend_monthly ORDER BY month",
)


def month_before(months: int) -> date:
    """The first day of the month so many before the present one, in UTC."""
    years, month = divmod(datetime.now(UTC).month - 1 - months, 12)
    return date(datetime.now(UTC).year + years, month + 1, 1)


def in_month_before(months: int, number: int = 1, **changes: Any) -> dict[str, Any]:
    return record(number, occurred_at=f"{month_before(months)}T00:00:00Z", **changes)


def expire(database: Database, months: int) -> dict[str, Any]:
    """The job, with a retention of so many months."""
    with environment(DATABASE_URL=database.app_url, USAGE_RETENTION_MONTHS=str(months)):
        return expire_usage.handler({}, Context())


def months(database: Database) -> list[date]:
    return [
        datetime.strptime(name[-7:], "%Y_%m").replace(tzinfo=UTC).date()
        for (name,) in database.rows(MONTHS)
    ]


def sums(database: Database) -> list[list[tuple[Any, ...]]]:
    return [database.rows(each) for each in SUMS]


def name_of(months: int) -> str:
    return f"{month_before(months):%Y-%m}"


@pytest.mark.parametrize(
    ("kept", "left"), [(0, [0, 1, 2, 3, 14]), (1, [0, 1]), (2, [0, 1, 2]), (13, [0, 1, 2, 3])]
)
def test_months_before_the_last_so_many_whole_ones_are_dropped_and_the_sums_stay(
    gateway: Client,
    database: Database,
    logged: Callable[[], list[dict[str, Any]]],
    kept: int,
    left: list[int],
) -> None:
    made = [0, 1, 2, 3, 14]
    results(gateway, *(in_month_before(each, each) for each in made))
    before = sums(database)
    dropped = [name_of(each) for each in reversed(made) if each not in left]
    assert expire(database, kept) == {"dropped": dropped, "postponed": None}
    assert months(database) == [month_before(each) for each in reversed(left)]
    assert sums(database) == before
    assert_sums_agree(database)
    (line,) = (each for each in logged() if each["message"] == "usage expired")
    assert (line["dropped"], line["kept_months"]) == (dropped, kept)
    assert expire(database, kept) == {"dropped": [], "postponed": None}


def test_a_month_is_kept_from_its_last_microsecond_on_by_the_clock_of_the_database(
    gateway: Client, database: Database
) -> None:
    last = datetime.combine(month_before(1), datetime.min.time(), UTC) - timedelta(microseconds=1)
    results(gateway, record(1, occurred_at=last.isoformat()), in_month_before(1, 2))
    assert expire(database, 1) == {"dropped": [name_of(2)], "postponed": None}
    assert database.rows("SELECT count(*) FROM ai_usage") == [(1,)]


@pytest.mark.parametrize("kept", ["0", "-1", "NULL"])
def test_the_schema_lets_nobody_drop_the_present_month_or_the_one_before(
    gateway: Client, database: Database, kept: str
) -> None:
    results(gateway, in_month_before(0), in_month_before(1, 2))
    with psycopg.connect(database.app_url) as app, pytest.raises(psycopg.errors.RaiseException):
        app.execute(f"SELECT drop_oldest_ai_usage_month({kept})".encode())
    with psycopg.connect(database.app_url, autocommit=True) as app:
        assert app.execute("SELECT * FROM drop_oldest_ai_usage_month(1)").fetchall() == [
            (None, None)
        ]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("DROP TABLE ai_usage")


@pytest.mark.parametrize("months", ["", "x", "-1", "1.5", "121", "٣"])
def test_a_retention_that_is_no_number_of_months_fails_the_job(
    database: Database, months: str
) -> None:
    with (
        environment(DATABASE_URL=database.app_url, USAGE_RETENTION_MONTHS=months),
        pytest.raises(BadSetting),
    ):
        expire_usage.handler({}, Context())
    with environment(DATABASE_URL=database.app_url):
        assert usage_retention_months() == 0, "what is not said forgets nothing"


def test_a_retry_of_what_was_dropped_counts_no_more(gateway: Client, database: Database) -> None:
    first = results(gateway, in_month_before(3))
    before = sums(database)
    expire(database, 1)
    again = results(gateway, in_month_before(3), in_month_before(3, tokens={"input": 7}))
    assert [each["status"] for each in again] == ["duplicate", "conflict"]
    assert again[0] == first[0] | {"status": "duplicate"}
    assert sums(database) == before
    assert database.rows("SELECT count(*) FROM ai_usage") == [(0,)]


def test_a_late_record_of_a_dropped_month_counts_once_and_goes_with_the_next_run(
    gateway: Client, database: Database
) -> None:
    results(gateway, in_month_before(3))
    expire(database, 1)
    assert [results(gateway, in_month_before(3, 2))[0]["status"] for _ in range(2)] == [
        "recorded",
        "duplicate",
    ]
    assert months(database) == [month_before(3)]
    assert database.rows("SELECT usage_count, cost_micros::int FROM ai_spend_daily") == [(2, 6000)]
    assert_sums_agree(database)
    before = sums(database)
    assert expire(database, 1) == {"dropped": [name_of(3)], "postponed": None}
    assert sums(database) == before


def test_what_reads_a_month_for_long_keeps_it_until_the_next_run_which_is_told(
    gateway: Client,
    database: Database,
    logged: Callable[[], list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("allowance.usage.retention.PAUSE_SECONDS", 0.01)
    results(gateway, *(in_month_before(each, each) for each in (0, 2, 3)))
    with psycopg.connect(database.owner_url) as reader:
        reader.execute("SELECT count(*) FROM ai_usage")
        assert expire(database, 1) == {"dropped": [], "postponed": name_of(3)}
        assert results(gateway, in_month_before(0, 9))[0]["status"] == "recorded"
    assert months(database) == [month_before(each) for each in (3, 2, 0)]
    (line,) = (each for each in logged() if each["message"] == "usage expired")
    assert (line["level"], line["postponed"]) == ("WARNING", name_of(3))
    assert expire(database, 1) == {"dropped": [name_of(3), name_of(2)], "postponed": None}


def test_a_reader_that_ends_in_time_costs_a_try_only(gateway: Client, database: Database) -> None:
    results(gateway, in_month_before(3))
    with psycopg.connect(database.owner_url) as reader:
        reader.execute("SELECT count(*) FROM ai_usage")
        ends = threading.Timer(0.3, reader.rollback)
        ends.start()
        assert expire(database, 1) == {"dropped": [name_of(3)], "postponed": None}
        ends.join()


def test_who_writes_while_it_waits_for_a_lock_is_held_up_for_a_moment_only(
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
    # 100 ms is what the lock is waited for; the rest is a busy machine. The lock is held for three
    # seconds.
    assert longest < 1.5
    assert months(database) == [month_before(0)]
    assert number > 20
    assert_sums_agree(database)


def test_writers_of_the_months_that_go_lose_nothing_and_count_once(
    gateway: Client, database: Database
) -> None:
    """Four of them, late records of two old months among others, while the months are dropped over
    and over.
    """
    stop = threading.Event()
    recorded: list[str] = []
    surprises: list[Exception] = []

    def write(writer: int) -> None:
        connection, number = connection_of(database), writer
        while not stop.is_set():
            number += 4
            batch = [in_month_before(ago, number * 10 + ago) for ago in (0, 2, 3)]
            try:
                while not stop.is_set():
                    try:
                        answers = record_in(connection, batch, datetime.now(UTC))
                    except DatabaseUnavailable:
                        continue  # as a gateway does: the same again
                    recorded.extend(
                        name["id"]
                        for name, each in zip(batch, answers, strict=True)
                        if each.status == "recorded"
                    )
                    break
            except Exception as error:  # noqa: BLE001
                surprises.append(error)
                break
        connection.close()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    dropped = 0
    with psycopg.connect(database.app_url, autocommit=True) as app:
        until = time.monotonic() + 4
        while time.monotonic() < until:
            row = app.execute("SELECT dropped FROM drop_oldest_ai_usage_month(1)").fetchone()
            dropped += bool(row and row[0])
            time.sleep(0.02)
    stop.set()
    for writer in writers:
        writer.join()
    assert surprises == []
    assert dropped > 5
    expire(database, 1)
    assert len(recorded) == len(set(recorded)) > 100
    assert database.rows(
        "SELECT count(*), (SELECT sum(usage_count)::int FROM ai_spend_daily) FROM ai_usage_keys"
    ) == [(len(recorded), len(recorded))]
    assert_sums_agree(database)


class Interrupted(Connection):
    """The real database, of which the oldest month is dropped before every trip."""

    drop: Callable[[], object]

    def _attempt(self, work: Callable[[Any], Any]) -> Any:
        self.drop()
        return super()._attempt(work)


def test_a_month_that_goes_between_two_trips_of_a_batch_is_a_503_and_the_same_batch_comes_again(
    gateway: Client, database: Database
) -> None:
    results(gateway, in_month_before(3))
    connection = Interrupted(DatabaseSource(database.app_url), "test")
    connection.drop = lambda: database.run("SELECT drop_oldest_ai_usage_month(1)")
    with pytest.raises(DatabaseUnavailable):
        record_in(connection, [in_month_before(3, 2)], datetime.now(UTC))
    connection.drop = lambda: None
    (answer,) = record_in(connection, [in_month_before(3, 2)], datetime.now(UTC))
    connection.close()
    assert answer.status == "recorded"
    assert_sums_agree(database)


def test_what_was_dropped_is_not_rated_nor_looked_for_nor_listed(
    gateway: Client, acme: Acme, database: Database
) -> None:
    results(
        gateway,
        in_month_before(3, 1, model="old"),
        in_month_before(3, 2, model="both"),
        in_month_before(1, 3, model="both"),
        in_month_before(3, 4),
    )
    expire(database, 1)
    listed = gateway.get(UNPRICED).json()["models"]
    assert [(each["model"], each["unpriced_usage_count"]) for each in listed] == [("both", 1)]
    custom = [
        price(each, input_price=1_000_000, output_price=0, effective_from="2020-01-01T00:00:00Z")
        for each in ("m", "old", "both")
    ]
    assert acme.client("olivia").post("/api/v2/ai/model-prices", {"prices": custom}).status == 204
    before = sums(database)
    assert rerate_usage.handler({}, Context()) == {
        "examined": 1,
        "corrected": 1,
        "difference_micros": 1000,
    }
    assert rerate_usage.handler({}, Context()) == {
        "examined": 1,
        "corrected": 0,
        "difference_micros": 0,
    }
    assert [row for row in sums(database)[0] if row[2] == month_before(3)] == [
        row for row in before[0] if row[2] == month_before(3)
    ]
    assert gateway.get(UNPRICED).json()["models"] == []
    assert_sums_agree(database)


def test_models_of_dropped_months_cost_a_rating_no_query(
    gateway: Client, database: Database
) -> None:
    from allowance.access.gate import Gate
    from allowance.access.store import Origin
    from allowance.rbac.system import USAGE_RERATER
    from allowance.usage.rerating import UsageRerater

    def trips() -> int:
        connection = Interrupted(DatabaseSource(database.app_url), "test")
        counted: list[None] = []
        connection.drop = lambda: counted.append(None)
        UsageRerater(Gate(USAGE_RERATER.subject, connection), Origin(None, "test", "test")).rerate()
        connection.close()
        return len(counted)

    seed(*(price(f"m{n}", input_price=1) for n in range(5)))
    nothing_used = trips()
    results(
        gateway,
        *(in_month_before(3, n, model=f"m{n}" if n % 2 else f"unheard-of-{n}") for n in range(10)),
    )
    assert trips() > nothing_used + 9
    expire(database, 1)
    assert trips() == nothing_used
