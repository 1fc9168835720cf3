"""Alerts of spend are raised by the statement that counts the usage: each once for a user, a share
and a month.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from allowance.settings import BadSetting
from allowance.usage.settings import alert_thresholds
from tests.conftest import environment
from tests.gateway import Client
from tests.ledger import assert_sums_agree, connection_of, record_in
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.usage import record, rerate, results

LIMIT = 10_000
RAISED = (
    "SELECT threshold_percent, spent_micros::bigint FROM ai_spend_alerts ORDER BY raised_at, "
    "threshold_percent"
)


@pytest.fixture
def gateway(acme: Acme, database: Database) -> Client:
    """A token of input costs one micro, and everybody in acme may spend 10,000 of them."""
    database.run("UPDATE users SET roles = '{gateway}' WHERE username = 'nora'")
    seed(price(input_price=1_000_000))
    acme.client("olivia").put(acme.budget_path("acme/Everyone"), {"spend_limit_micros": LIMIT})
    return acme.client("nora")


def used(number: int, micros: int, **changes: Any) -> dict[str, Any]:
    """A usage of now that costs so much."""
    now = datetime.now(UTC).isoformat()
    return record(number, **{"occurred_at": now, "tokens": {"input": micros}} | changes)


def test_each_share_of_the_limit_is_told_when_it_is_reached(
    gateway: Client, acme: Acme, database: Database
) -> None:
    results(gateway, used(1, 8_499))
    assert database.rows(RAISED) == []
    results(gateway, used(2, 1))
    assert database.rows(RAISED) == [(85, 8_500)]
    results(gateway, used(3, 1_499))
    assert database.rows(RAISED) == [(85, 8_500)]
    results(gateway, used(4, 1))
    assert database.rows(RAISED) == [(85, 8_500), (100, 10_000)]
    results(gateway, used(5, 100_000))
    assert database.rows(RAISED) == [(85, 8_500), (100, 10_000)]
    everyone = acme.organizations["acme"]
    month = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    assert database.rows(
        "SELECT DISTINCT user_id, period_start, group_id, organization_id, limit_source, "
        "spend_limit_micros FROM ai_spend_alerts"
    ) == [(acme.users["maya"], month, everyone, everyone, "group", LIMIT)]


def test_one_batch_may_reach_all_of_them_and_those_of_several_users(
    gateway: Client, database: Database
) -> None:
    results(
        gateway,
        *(used(n, 5_000, user=("maya", "otto")[n % 2]) for n in range(4)),
        used(9, 8_499, user="adam"),
    )
    assert sorted(database.rows("SELECT username, threshold_percent FROM ai_spend_alerts JOIN "
    "users ON id = user_id")) == [
        ("maya", 85), ("maya", 100), ("otto", 85), ("otto", 100),
    ]  # fmt: skip


def test_a_retry_raises_nothing(gateway: Client, database: Database) -> None:
    for _ in range(3):
        results(gateway, used(1, 5_000, occurred_at="2026-11-20T10:00:00Z"))
    assert database.rows(RAISED) == []


def test_a_limit_of_nothing_is_reached_by_whatever_is_spent(
    gateway: Client, acme: Acme, database: Database
) -> None:
    acme.client("olivia").put(acme.budget_path("acme/Everyone"), {"spend_limit_micros": 0})
    results(gateway, used(1, 0))
    assert database.rows(RAISED) == []
    results(gateway, used(2, 1))
    assert database.rows(RAISED) == [(85, 1), (100, 1)]


def test_who_has_no_limit_reaches_none(gateway: Client, acme: Acme, database: Database) -> None:
    acme.client("olivia").delete(acme.budget_path("acme/Everyone"))
    results(gateway, used(1, 10**9))
    assert database.rows(RAISED) == []


def test_a_limit_that_came_down_is_told_with_the_next_usage(
    gateway: Client, acme: Acme, database: Database
) -> None:
    results(gateway, used(1, 6_000))
    acme.client("olivia").put(acme.budget_path("acme/Everyone"), {"spend_limit_micros": 7_000})
    results(gateway, used(2, 1))
    assert database.rows(RAISED) == [(85, 6_001)]


def test_an_override_is_the_limit_that_counts(
    gateway: Client, acme: Acme, database: Database
) -> None:
    everyone = str(acme.organizations["acme"])
    acme.client("olivia").put(
        "/api/v2/users/maya/ai/budget", {"group_id": everyone, "spend_limit_micros": 100}
    )
    results(gateway, used(1, 85))
    assert database.rows(
        "SELECT threshold_percent, limit_source, spend_limit_micros FROM ai_spend_alerts"
    ) == [(85, "user_override", 100)]


def test_what_was_spent_for_another_group_counts_too(
    gateway: Client, acme: Acme, database: Database
) -> None:
    results(gateway, used(1, 8_000))
    group = str(acme.groups["acme/platform"])
    database.run(
        "INSERT INTO group_members SELECT %s, id FROM users WHERE username = 'maya' ON CONFLICT "
        "DO NOTHING",
        group,
    )
    acme.client("olivia").put(
        "/api/v2/users/maya/ai/budget", {"group_id": group, "spend_limit_micros": LIMIT}
    )
    results(gateway, used(2, 500))
    assert database.rows(
        "SELECT threshold_percent, group_id::text, spent_micros::int FROM ai_spend_alerts"
    ) == [(85, group, 8_500)]


def test_a_month_that_is_over_raises_nothing(gateway: Client, database: Database) -> None:
    last = datetime.now(UTC).replace(day=1) - timedelta(days=2)
    results(gateway, used(1, 10**6, occurred_at=last.isoformat()))
    assert database.rows(RAISED) == []


def test_a_price_that_comes_later_raises_what_its_correction_reaches(
    gateway: Client, database: Database
) -> None:
    results(gateway, used(1, 9_000, model="new"))
    assert database.rows(RAISED) == []
    seed(price(input_price=1_000_000), price("new", input_price=1_000_000), version="2")
    rerate()
    assert database.rows(RAISED) == [(85, 9_000)]


@pytest.mark.parametrize("different_groups", [False, True])
def test_of_many_writers_at_once_one_raises_it(
    gateway: Client, acme: Acme, database: Database, different_groups: bool
) -> None:
    """Eight writers of one micro each, who come to the share together; the budget in effect may
    change meanwhile.
    """
    results(gateway, used(1, 8_500 - 8))

    def write(number: int) -> None:
        connection = connection_of(database)
        try:
            record_in(connection, [used(100 + number, 1)], datetime.now(UTC))
        finally:
            connection.close()

    def change_group(number: int) -> None:
        group = acme.groups["acme/platform"] if number % 2 else acme.organizations["acme"]
        database.run(
            "INSERT INTO user_ai_budget_overrides (user_id, group_id, organization_id, spend_limit_micros)"
            " VALUES (%s, %s, %s, %s) ON CONFLICT (user_id) DO UPDATE SET group_id = excluded.group_id",
            acme.users["maya"], group, acme.organizations["acme"], LIMIT,
        )  # fmt: skip

    database.run(
        "INSERT INTO group_members SELECT %s, id FROM users WHERE username = 'maya' ON CONFLICT "
        "DO NOTHING",
        acme.groups["acme/platform"],
    )
    with ThreadPoolExecutor(8) as pool:
        work: list[Future[None]] = []
        for number in range(8):
            if different_groups:
                work.append(pool.submit(change_group, number))
            work.append(pool.submit(write, number))
        for each in work:
            each.result()
    assert database.rows(RAISED) == [(85, 8_500)]


def test_the_shares_are_a_setting(gateway: Client, database: Database) -> None:
    with environment(DATABASE_URL=database.app_url, ALERT_THRESHOLDS="50"):
        results(gateway, used(1, 9_000))
    assert database.rows(RAISED) == [(50, 9_000)]
    with environment(DATABASE_URL=database.app_url, ALERT_THRESHOLDS="none"):
        results(gateway, used(2, 9_000, user="otto"))
    assert len(database.rows(RAISED)) == 1


@pytest.mark.parametrize("wrong", ["85%", "0", "-1", "1000", "85;100", "85,", "0.85"])
def test_a_setting_that_makes_no_sense_is_refused(wrong: str) -> None:
    with environment(ALERT_THRESHOLDS=wrong), pytest.raises(BadSetting, match="ALERT_THRESHOLDS"):
        alert_thresholds()


@pytest.mark.parametrize("limited", ["nobody", "one of them", "both"])
def test_writers_of_one_user_wait_for_each_other_and_never_in_a_circle(
    gateway: Client, acme: Acme, database: Database, limited: str
) -> None:
    """Two batches of otto and other models, in one of which somebody else is, too; each sum takes
    its time.
    """
    acme.client("olivia").delete(acme.budget_path("acme/Everyone"))
    everyone = str(acme.organizations["acme"])
    for username in {"nobody": (), "one of them": ("maya",), "both": ("maya", "otto")}[limited]:
        path = f"/api/v2/users/{username}/ai/budget"
        assert (
            acme.client("olivia")
            .put(path, {"group_id": everyone, "spend_limit_micros": 10**9})
            .status
            == 200
        )
    results(gateway, used(1, 1, user="otto"))
    database.run(
        "CREATE FUNCTION wait_a_little() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_sleep(0.4); RETURN new; END $$"
    )
    for table in ("ai_user_spend_monthly", "ai_group_spend_monthly"):
        database.run(
            f"CREATE TRIGGER slow BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION "
            "wait_a_little()"
        )

    def write(batch: list[dict[str, Any]]) -> list[str]:
        connection = connection_of(database)
        try:
            return [each.status for each in record_in(connection, batch, datetime.now(UTC))]
        finally:
            connection.close()

    batches = [
        [used(2, 1, user="otto")],
        [used(3, 1, user="otto", model="m2"), used(4, 1, user="maya", model="m2")],
    ]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(write, batches))
    assert answers == [["recorded"], ["recorded", "recorded"]]
    assert_sums_agree(database)
