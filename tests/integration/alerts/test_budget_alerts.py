"""DeliverAlerts looks at the counters of an organization's budgets."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.alerts import deliver
from tests.people import Acme
from tests.postgres import Database
from tests.receivers import Receivers

ALERTS = (
    "SELECT kind, threshold_percent::int, subject, limit_micros::int, spent_micros::int"
    " FROM ai_alerts ORDER BY raised_at"
)
PERIOD = "(SELECT starts FROM ai_budget_period(b, now()))"

type Budget = Callable[..., UUID]


@pytest.fixture
def budget(acme: Acme, database: Database) -> Budget:
    """Creates a budget of acme: 100 micros a month for everybody together, by default."""

    def create(**changes: Any) -> UUID:
        columns = {
            "organization_id": acme.organizations["acme"],
            "name": "all",
            "scope": "organization",
            "per": "total",
            "models": ["*"],
            "limit_micros": 100,
            "period_unit": "month",
            "time_zone": "Asia/Kolkata",
            "week_starts": 1,
            "year_starts": 1,
            "enforcement": "enforce",
            "thresholds": [50, 90],
            "rollover_micros": 0,
        } | changes
        places = ", ".join(["%s"] * len(columns))
        ((id_,),) = database.rows(
            f"INSERT INTO ai_budgets ({', '.join(columns)}) VALUES ({places}) RETURNING id",
            *columns.values(),
        )
        return id_

    return create


def count(database: Database, budget_id: UUID, *parts: float, subject: str = "") -> None:
    """Have this spend in the parts of a counter of the current period."""
    for number, micros in enumerate(parts):
        database.run(
            "INSERT INTO ai_budget_counters AS c (budget_id, subject, slice, period_start,"
            f" spent_micros) SELECT id, %s, %s, {PERIOD}, %s FROM ai_budgets AS b"
            " WHERE id = %s ON CONFLICT (budget_id, subject, slice) DO UPDATE SET spent_micros ="
            " excluded.spent_micros",
            subject,
            number,
            Decimal(str(micros)),
            budget_id,
        )


def test_the_parts_of_a_counter_alert_together_and_once(
    database: Database, acme: Acme, budget: Budget
) -> None:
    id_ = budget()
    for ends in ("+ interval '1 hour'", "- interval '1 hour'"):
        database.run(
            f"INSERT INTO ai_budget_holds VALUES (%s, '', 0, now() {ends}, gen_random_uuid(), 6)",
            id_,
        )
    count(database, id_, 20, 29.999999)
    assert deliver()["raised"] == 0
    count(database, id_, 20.000001, 29.999999)
    assert (deliver()["raised"], deliver()["raised"]) == (1, 0)
    count(database, id_, 90, 29)
    assert (deliver()["raised"], deliver()["raised"]) == (1, 0)
    assert database.rows(ALERTS) == [
        ("threshold", 50, "", 100, 50),
        ("threshold", 90, "", 100, 119),
    ]
    assert database.rows(
        "SELECT DISTINCT a.budget_kind, a.budget_id, a.budget_name, a.user_id, a.group_id,"
        " a.organization_id, a.reserved_micros::int, a.period_start = p.starts,"
        " a.period_end = p.ends FROM ai_alerts AS a JOIN ai_budgets AS b ON b.id = a.budget_id,"
        " ai_budget_period(b, now()) AS p"
    ) == [
        ("budget", id_, "all", None, *[acme.organizations["acme"]] * 2, 6, True, True),
    ]


def test_a_changed_limit_alerts_and_a_raised_one_arms_again(
    database: Database, budget: Budget
) -> None:
    id_ = budget(limit_micros=1_000)
    count(database, id_, 95)
    assert deliver()["raised"] == 0
    for limit, raised in ((100, 1), (150, 0), (100, 1), (10_000, 0), (0, 1)):
        database.run("UPDATE ai_budgets SET limit_micros = %s", limit)
        assert deliver()["raised"] == raised, limit
    assert [each[1] for each in database.rows(ALERTS)] == [90, 90, 90]


def test_a_budget_alerts_while_it_counts_and_is_not_off(database: Database, budget: Budget) -> None:
    past, future = "2026-01-01T00:00:00Z", "2999-01-01T00:00:00Z"
    silent: list[dict[str, Any]] = [
        {"enforcement": "off"},
        {"ended_at": past},
        {"starts_at": future},
        {"ends_at": past},
        {"thresholds": []},
    ]
    heard: list[dict[str, Any]] = [
        {"enforcement": "warn"},
        {"starts_at": past, "ends_at": future},
        {"period_unit": "none"},
    ]
    for number, changes in enumerate(silent + heard):
        count(database, budget(**changes, name=str(number)), 95)
    assert deliver()["raised"] == len(heard)
    names = sorted(name for (name,) in database.rows("SELECT budget_name FROM ai_alerts"))
    assert names == ["5", "6", "7"]


def test_a_past_period_or_a_deleted_organization_alerts_nobody(
    database: Database, budget: Budget
) -> None:
    count(database, budget(), 95)
    database.run("UPDATE ai_budget_counters SET period_start = period_start - interval '1 hour'")
    assert deliver()["raised"] == 0
    database.run("UPDATE ai_budget_counters SET period_start = period_start + interval '1 hour'")
    assert deliver()["raised"] == 1
    database.run("DELETE FROM ai_alert_states")
    database.run("UPDATE organizations SET is_default = false, deleted_at = now()")
    assert deliver()["raised"] == 0


def test_each_subject_has_an_alert_of_its_own(
    database: Database, acme: Acme, budget: Budget
) -> None:
    platform = acme.groups["acme/platform"]
    maya, otto = str(acme.users["maya"]), acme.users["otto"]
    members = budget(scope="group", group_id=platform, per="member", name="members")
    projects = budget(scope="label", label_key="project", per="value", name="projects")
    one = budget(scope="user", user_id=otto, name="one")
    count(database, members, 95, subject=maya)
    count(database, projects, 95, subject="search")
    count(database, projects, 49, subject="chat")
    count(database, projects, 51, subject="")
    count(database, one, 95)
    assert deliver()["raised"] == 4
    everyone = acme.organizations["acme"]
    assert sorted(
        database.rows("SELECT budget_name, subject, user_id, group_id FROM ai_alerts"),
        key=lambda row: row[:2],
    ) == [
        ("members", maya, acme.users["maya"], platform),
        ("one", "", otto, everyone),
        ("projects", "", None, everyone),
        ("projects", "search", None, everyone),
    ]


def test_what_is_carried_over_raises_the_limit(database: Database, budget: Budget) -> None:
    id_ = budget(rollover_micros=60)
    database.run("INSERT INTO ai_budget_limits VALUES (%s, '2020-01-01', 100)", id_)
    count(database, id_, 80)
    database.run(
        "INSERT INTO ai_budget_spend SELECT b.id, '', p.starts, 30 FROM ai_budgets AS b,"
        f" ai_budget_period(b, {PERIOD} - interval '1 day') AS p"
    )
    assert deliver()["raised"] == 1
    assert database.rows(ALERTS) == [("threshold", 50, "", 160, 80)]


def test_an_alert_of_a_budget_without_periods_is_delivered(
    database: Database, budget: Budget, aws: Receivers
) -> None:
    id_ = budget(period_unit="none", name="Zürich")
    count(database, id_, 95)
    assert deliver()["delivered"] == 1
    (detail,) = aws.put()
    assert (detail["period_start"], detail["period_end"]) == (None, None)
    assert (detail["budget_id"], detail["budget_name"], detail["user"]) == (
        str(id_),
        "Zürich",
        None,
    )


def test_one_run_at_a_time_looks_at_budgets(database: Database, budget: Budget) -> None:
    count(database, budget(), 95)
    with database.connect() as other, other.transaction():
        other.execute("SELECT raise_ai_budget_alerts(9)")
        assert deliver()["raised"] == 0
    assert deliver()["raised"] == 0
    assert len(database.rows(ALERTS)) == 1


def test_many_subjects_are_alerted_page_by_page(
    database: Database, budget: Budget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allowance.alerts.evaluation.BUDGET_PAGE", 2)
    id_ = budget(scope="label", label_key="project", per="value")
    for number in range(5):
        count(database, id_, 95, subject=str(number))
    with monkeypatch.context() as patch:
        patch.setattr("allowance.alerts.evaluation.EVALUATING_SECONDS", 0)
        assert deliver()["raised"] == 2
    assert deliver()["raised"] == 3
