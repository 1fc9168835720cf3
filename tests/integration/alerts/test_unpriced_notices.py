"""Once a week an organization hears of models without a price that it used."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.alert_limits import used
from tests.alerts import deliver
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.receivers import Receivers
from tests.usage import rerate, results


def look_again(database: Database) -> None:
    database.run("UPDATE ai_alert_checks SET checked_at = checked_at - interval '1 hour'")


def at(**ago: int) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).isoformat()


def test_models_without_a_price_are_listed_once_a_week(
    gateway: Client, acme: Acme, database: Database, aws: Receivers
) -> None:
    tokens = {"input": 3, "output": 4, "cache_read": 5, "cache_write": 6, "cache_write_1h": 7}
    results(
        gateway,
        used(1, 9),
        used(2, 100, model="x"),
        used(3, 20, model="x"),
        used(4, 0, model="y", tokens=tokens),
        used(5, 10, model="x", user="gus"),
    )
    deliver()
    look_again(database)
    deliver()
    monday = datetime.now(UTC).date() - timedelta(days=datetime.now(UTC).weekday())
    (detail,) = (
        each for each in aws.put() if each["organization_id"] == str(acme.organizations["acme"])
    )
    assert detail["kind"] == "unpriced_models"
    assert (detail["models"], detail["model_count"]) == (
        [
            {"provider": "p", "model": "x", "usage_count": 2, "tokens": 120},
            {"provider": "p", "model": "y", "usage_count": 1, "tokens": 25},
        ],
        2,
    )
    assert detail["period_start"] == f"{monday}T00:00:00.000000Z"
    assert detail["period_end"] == f"{monday + timedelta(days=7)}T00:00:00.000000Z"
    assert (detail["budget_kind"], detail["limit_micros"], detail["user"]) == (None, None, None)
    assert len(database.rows("SELECT 1 FROM ai_alerts")) == 2, "acme and globex"
    database.run("UPDATE ai_alerts SET period_start = period_start - interval '7 days'")
    look_again(database)
    deliver()
    assert len(database.rows("SELECT 1 FROM ai_alerts")) == 4, "the next week"


def test_priced_or_old_usage_is_not_noticed(
    gateway: Client, acme: Acme, database: Database
) -> None:
    results(
        gateway, used(1, 9), used(2, 9, model="x"), used(3, 9, model="y", occurred_at=at(days=8))
    )
    seed(price(input_price=1_000_000), price("x", input_price=1), version="2")
    rerate()
    deliver()
    assert database.rows("SELECT 1 FROM ai_alerts") == []


def test_a_notice_names_the_ten_models_with_the_most_tokens(
    gateway: Client, database: Database, aws: Receivers
) -> None:
    results(gateway, *(used(n, n, model=f"x{n}") for n in range(1, 24)))
    deliver()
    (detail,) = aws.put()
    assert [each["model"] for each in detail["models"]] == [f"x{n}" for n in range(23, 13, -1)]
    assert detail["model_count"] == 23


def test_the_tokens_of_a_day_are_counted_once_an_hour(
    gateway: Client,
    acme: Acme,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted: list[int | None] = []

    def count(*, users_over_limit: int, unpriced_tokens: int | None) -> None:
        counted.append(unpriced_tokens)

    monkeypatch.setattr("allowance.alerts.evaluation.count_overspending", count)
    for number, hours in enumerate((2, 30)):
        results(gateway, used(number, 100, model="x", occurred_at=at(hours=hours)))
    deliver()
    deliver()
    look_again(database)
    deliver()
    assert counted == [100, None, 100]
