"""Whom a notice of models without a price is for, the order of its models, and when one is due."""

import pytest

from tests.alert_limits import used
from tests.alerts import deliver
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.receivers import Receivers
from tests.usage import results


def test_models_of_as_many_tokens_are_in_the_order_of_calls_and_names(
    gateway: Client, database: Database, aws: Receivers, acme: Acme
) -> None:
    calls = [(1, "z", 10), (2, "b", 10), (3, "a", 10), (4, "z", 0), (5, "big", 11)]
    for provider in ("q", "o"):
        made = [used(n, 10, model="same", provider=provider) | {"id": provider} for n in (1,)]
        assert results(gateway, *made)[0]["status"] == "recorded"
    results(gateway, *(used(n, tokens, model=model) for n, model, tokens in calls))
    deliver()
    (notice,) = aws.put()
    shown = [(each["provider"], each["model"]) for each in notice["models"]]
    expected = [("p", "big"), ("p", "z"), ("o", "same"), ("p", "a"), ("p", "b"), ("q", "same")]
    assert shown == expected
    assert notice["organization_id"] == str(acme.organizations["acme"])


def test_unpriced_tokens_are_looked_at_once_an_hour_beside_other_checks(
    gateway: Client, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No usage at all is 0 tokens, which ends an alarm."""
    counted: list[int | None] = []

    def count(*, users_over_limit: int, unpriced_tokens: int | None) -> None:
        counted.append(unpriced_tokens)

    monkeypatch.setattr("allowance.alerts.evaluation.count_overspending", count)
    deliver()
    database.run("INSERT INTO ai_alert_checks VALUES ('another', '-infinity')")
    deliver()
    assert counted == [0, None]
    del gateway


def test_each_organization_hears_of_its_own_models(
    gateway: Client, database: Database, aws: Receivers
) -> None:
    results(gateway, *(used(n, 100, model=f"x{n}", user="gus") for n in range(11)))
    results(gateway, used(99, 1, model="small"))
    deliver()
    notices = sorted((each["model_count"], len(each["models"])) for each in aws.put())
    assert notices == [(1, 1), (11, 10)]


def test_a_deleted_organization_gets_no_notice(gateway: Client, database: Database) -> None:
    results(gateway, used(1, 10, model="x"))
    database.run("UPDATE organizations SET is_default = false, deleted_at = now()")
    deliver()
    assert database.rows("SELECT FROM ai_alerts") == []
