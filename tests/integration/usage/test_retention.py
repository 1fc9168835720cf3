"""ExpireUsage drops months before the retention. Sums stay, and each key still counts once."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

import expire_usage
from allowance.rbac.system import Login
from allowance.settings import BadSetting
from allowance.usage.settings import usage_retention_months
from tests.conftest import environment
from tests.gateway import Client, Context
from tests.ledger import assert_sums_agree, remember_entries
from tests.model_prices import confirmed
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price
from tests.usage import (
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


@pytest.fixture(autouse=True)
def remembered(database: Database) -> None:
    remember_entries(database)


UNPRICED = "/api/v2/ai/usage/unpriced"
SUMS = (
    "SELECT user_id, group_id, day, cost_micros, usage_count, unpriced_usage_count FROM "
    "ai_spend_daily ORDER BY day",
    "SELECT starts_at, model, cost_micros, usage_count, unpriced_usage_count"
    " FROM ai_usage_quarter_hourly ORDER BY starts_at, model",
    "SELECT user_id, month, cost_micros FROM ai_user_spend_monthly ORDER BY month",
    "SELECT group_id, user_id, month, cost_micros FROM ai_group_spend_monthly ORDER BY month",
)


def sums(database: Database) -> list[list[tuple[Any, ...]]]:
    return [database.rows(each) for each in SUMS]


@pytest.mark.parametrize(
    ("kept", "left"), [(0, [0, 1, 2, 3, 14]), (1, [0, 1]), (2, [0, 1, 2]), (13, [0, 1, 2, 3])]
)
def test_months_before_the_retention_are_dropped_and_sums_stay(
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
    assert expire(database, kept) == {"dropped": dropped, "postponed": []}
    assert months(database) == [month_before(each) for each in reversed(left)]
    assert sums(database) == before
    assert_sums_agree(database)
    (line,) = (each for each in logged() if each["message"] == "usage expired")
    assert (line["dropped"], line["kept_months"]) == (dropped, kept)
    assert expire(database, kept) == {"dropped": [], "postponed": []}


def test_the_database_clock_decides_to_the_microsecond_what_is_kept(
    gateway: Client, database: Database
) -> None:
    last = datetime.combine(month_before(1), datetime.min.time(), UTC) - timedelta(microseconds=1)
    results(gateway, record(1, occurred_at=last.isoformat()), in_month_before(1, 2))
    assert expire(database, 1) == {"dropped": [name_of(2)], "postponed": []}
    assert database.rows("SELECT count(*) FROM ai_usage") == [(1,)]


@pytest.mark.parametrize("kept", ["0", "-1", "NULL"])
def test_the_schema_never_drops_the_current_or_the_previous_month(
    gateway: Client, database: Database, kept: str
) -> None:
    results(gateway, in_month_before(0), in_month_before(1, 2))
    url = database.url_of(Login.JOBS)
    with psycopg.connect(url) as app, pytest.raises(psycopg.errors.RaiseException):
        app.execute(f"SELECT drop_oldest_ai_usage_month({kept}, '{{}}')".encode())
    with psycopg.connect(url, autocommit=True) as app:
        assert app.execute("SELECT * FROM drop_oldest_ai_usage_month(1, '{}')").fetchall() == [
            (None, None)
        ]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("DROP TABLE ai_usage")


@pytest.mark.parametrize("months", ["", "x", "-1", "1.5", "121", "٣"])
def test_a_bad_retention_fails_the_job(database: Database, months: str) -> None:
    with (
        environment(DATABASE_URL=database.app_url, USAGE_RETENTION_MONTHS=months),
        pytest.raises(BadSetting),
    ):
        expire_usage.handler({}, Context())
    with environment(DATABASE_URL=database.app_url):
        assert usage_retention_months() == 0, "without the setting, no month is dropped"


def test_a_retry_of_dropped_usage_counts_no_more(gateway: Client, database: Database) -> None:
    first = results(gateway, in_month_before(3))
    before = sums(database)
    expire(database, 1)
    again = results(gateway, in_month_before(3), in_month_before(3, tokens={"input": 7}))
    assert [each["status"] for each in again] == ["duplicate", "conflict"]
    assert again[0] == first[0] | {"status": "duplicate"}
    assert sums(database) == before
    assert database.rows("SELECT count(*) FROM ai_usage") == [(0,)]


def test_a_late_record_of_a_dropped_month_counts_once_until_the_next_run(
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
    assert expire(database, 1) == {"dropped": [name_of(3)], "postponed": []}
    assert sums(database) == before


def test_dropped_usage_is_neither_rerated_nor_listed(
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
    assert acme.client("olivia").post("/api/v2/ai/model-prices", confirmed(custom)).status == 200
    before = sums(database)
    assert rerate() == rerated(1, 1, 1000)
    assert rerate() == rerated()
    assert [row for row in sums(database)[0] if row[2] == month_before(3)] == [
        row for row in before[0] if row[2] == month_before(3)
    ]
    assert gateway.get(UNPRICED).json()["models"] == []
    assert_sums_agree(database)
