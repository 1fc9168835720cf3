"""With a limit of 0 there is no share to reach: the first refusal of a period alerts."""

from typing import Any
from uuid import UUID

import pytest

from tests.alert_limits import used
from tests.alerts import deliver
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.receivers import Receivers
from tests.usage import results

ALLOWANCE = UUID(int=0)
ALERTS = "SELECT kind, threshold_percent::int, spent_micros::int FROM ai_alerts ORDER BY raised_at"


@pytest.fixture
def blocked(gateway: Client, acme: Acme) -> Client:
    """Everybody in acme may spend nothing."""
    acme.client("olivia").put(acme.budget_path("acme/Everyone"), {"spend_limit_micros": 0})
    return gateway


def refuse(database: Database, acme: Acme, user: str = "maya", **changes: Any) -> None:
    """Count a refused decision, as a reservation does."""
    columns = {
        "organization_id": acme.organizations["acme"],
        "user_id": acme.users[user],
        "code": "ai_budget_exceeded",
        "budget_id": ALLOWANCE,
        "provider": "p",
        "model": "m",
        "refused": 1,
    } | changes
    places = ", ".join(["%s"] * len(columns))
    database.run(
        f"INSERT INTO ai_refusals AS r ({', '.join(columns)}, day, last_at) VALUES ({places},"
        " (now() AT TIME ZONE 'UTC')::date, now()) ON CONFLICT (organization_id, user_id, day,"
        " code, budget_id, provider, model) DO UPDATE SET refused = r.refused + 1, last_at = now()",
        *columns.values(),
    )


def test_the_first_refusal_of_a_month_alerts_once(
    blocked: Client, acme: Acme, database: Database, aws: Receivers
) -> None:
    assert deliver()["raised"] == 0
    for model in ("m", "m", "n"):
        refuse(database, acme, model=model)
        refuse(database, acme, user="otto", model=model)
        deliver()
    assert database.rows(ALERTS) == [("refused", None, 0)] * 2
    details = aws.put()
    assert {each["user"]["username"] for each in details} == {"maya", "otto"}
    assert {each["limit_micros"] for each in details} == {0}
    subjects = {each["Subject"] for each in aws.messages("topic")}
    assert "AI calls of maya are refused: the limit is US$ 0.00" in subjects


def test_a_refusal_by_a_larger_limit_alerts_about_its_thresholds_only(
    gateway: Client, acme: Acme, database: Database
) -> None:
    refuse(database, acme)
    assert deliver()["raised"] == 0


@pytest.mark.parametrize("changes", [{"code": "unpriced_model"}, {"budget_id": UUID(int=5)}])
def test_a_refusal_for_another_reason_is_no_refusal_by_the_allowance(
    blocked: Client, acme: Acme, database: Database, changes: dict[str, Any]
) -> None:
    refuse(database, acme, **changes)
    assert deliver()["raised"] == 0


def test_a_refusal_of_last_month_is_over(blocked: Client, acme: Acme, database: Database) -> None:
    refuse(database, acme)
    database.run("UPDATE ai_refusals SET day = day - interval '1 month'")
    assert deliver()["raised"] == 0


def test_a_limit_that_becomes_zero_after_a_refusal_alerts(
    gateway: Client, acme: Acme, database: Database
) -> None:
    refuse(database, acme)
    deliver()
    acme.client("olivia").put(acme.budget_path("acme/Everyone"), {"spend_limit_micros": 0})
    assert deliver()["raised"] == 1


def test_a_refusal_and_spend_above_a_limit_of_zero_each_alert(
    blocked: Client, acme: Acme, database: Database
) -> None:
    refuse(database, acme)
    deliver()
    results(blocked, used(1, 5))
    assert database.rows(ALERTS) == [("refused", None, 0), ("threshold", 100, 5)]


def test_a_budget_of_zero_alerts_by_member_or_as_a_whole(acme: Acme, database: Database) -> None:
    ids = {
        (per, enforcement, limit): database.rows(
            "INSERT INTO ai_budgets (organization_id, name, scope, per, models, limit_micros,"
            " period_unit, time_zone, week_starts, year_starts, enforcement, thresholds,"
            " rollover_micros) VALUES (%s, %s, 'organization', %s, '{*}', %s, 'day', 'UTC', 1, 1,"
            " %s, '{85}', 0) RETURNING id",
            acme.organizations["acme"],
            f"{per} {enforcement} {limit}",
            per,
            limit,
            enforcement,
        )[0][0]
        for per, enforcement, limit in (
            ("total", "enforce", 0),
            ("member", "enforce", 0),
            ("total", "warn", 0),
            ("total", "enforce", 1),
        )
    }
    for id_ in ids.values():
        for user in ("maya", "otto"):
            refuse(database, acme, user=user, budget_id=id_)
    assert (deliver()["raised"], deliver()["raised"]) == (3, 0)
    assert set(database.rows("SELECT budget_name, subject, kind FROM ai_alerts")) == {
        ("total enforce 0", "", "refused"),
        ("member enforce 0", str(acme.users["maya"]), "refused"),
        ("member enforce 0", str(acme.users["otto"]), "refused"),
    }
    database.run("DELETE FROM ai_alert_states")
    database.run("UPDATE ai_refusals SET last_at = now() - interval '1 day'")
    assert deliver()["raised"] == 0, "the day is over"
