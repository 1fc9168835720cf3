"""Recording usage raises an alert for the highest threshold that a user has reached."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from allowance.budgets.effective import period_containing
from allowance.settings import BadSetting
from allowance.usage.settings import alert_thresholds
from tests.alert_limits import LIMIT, RAISED, used
from tests.alerts import deliver
from tests.conftest import environment
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.usage import rerate, results


def test_each_threshold_raises_one_alert_when_it_is_reached(
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
    everyone, maya = acme.organizations["acme"], acme.users["maya"]
    month = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    assert database.rows(
        "SELECT DISTINCT user_id, period_start, period_end, group_id, organization_id,"
        " limit_source, limit_micros::int, reserved_micros::int, subject FROM ai_alerts"
    ) == [
        (
            maya,
            month,
            period_containing(month).end,
            everyone,
            everyone,
            "group",
            LIMIT,
            0,
            str(maya),
        )
    ]


def test_a_threshold_is_reached_at_the_last_trillionth_of_a_dollar(
    gateway: Client, database: Database
) -> None:
    """A token of `tiny` costs a millionth of a micro-unit."""
    seed(price(input_price=1_000_000), price("tiny", input_price=1), version="2")
    exactly = "SELECT threshold_percent, spent_micros FROM ai_alerts ORDER BY 1"
    results(gateway, used(1, 8_499), used(2, 999_999, model="tiny"))
    assert database.rows(exactly) == []
    results(gateway, used(3, 1, model="tiny"))
    assert database.rows(exactly) == [(85, Decimal(8_500))]
    results(gateway, used(4, 1_499), used(5, 999_999, model="tiny"))
    assert database.rows(exactly) == [(85, Decimal(8_500))]
    results(gateway, used(6, 2, model="tiny"))
    assert database.rows(exactly) == [(85, Decimal(8_500)), (100, Decimal("10000.000001"))]


def test_one_batch_raises_the_highest_threshold_of_each_user(
    gateway: Client, database: Database
) -> None:
    results(
        gateway,
        *(used(n, 5_000, user=("maya", "otto")[n % 2]) for n in range(4)),
        used(9, 8_499, user="adam"),
    )
    assert sorted(database.rows("SELECT username, threshold_percent FROM ai_alerts JOIN "
    "users AS u ON u.id = user_id")) == [("maya", 100), ("otto", 100)]  # fmt: skip


def test_a_retry_raises_nothing(gateway: Client, database: Database) -> None:
    for _ in range(3):
        results(gateway, used(1, 5_000, occurred_at="2026-11-20T10:00:00Z"))
    assert database.rows(RAISED) == []


def test_any_spend_reaches_a_limit_of_zero_and_none_does_not(
    gateway: Client, acme: Acme, database: Database
) -> None:
    acme.client("olivia").put(acme.budget_path("acme/Everyone"), {"spend_limit_micros": 0})
    results(gateway, used(1, 0))
    deliver()
    assert database.rows(RAISED) == []
    results(gateway, used(2, 1))
    assert database.rows(RAISED) == [(100, 1)]


def test_a_user_without_a_limit_raises_no_alert(
    gateway: Client, acme: Acme, database: Database
) -> None:
    acme.client("olivia").delete(acme.budget_path("acme/Everyone"))
    results(gateway, used(1, 10**9))
    assert database.rows(RAISED) == []


def test_a_lowered_limit_raises_an_alert_with_the_next_usage(
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
        "SELECT threshold_percent, limit_source, limit_micros::int FROM ai_alerts"
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
        "SELECT threshold_percent, group_id::text, spent_micros::int FROM ai_alerts"
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


def test_the_thresholds_are_a_setting(gateway: Client, database: Database) -> None:
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
