"""What is spent, held and left of a budget, and the limit with what is carried over."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from allowance.contract.fields import rfc3339
from tests.gateway import Client
from tests.organization_budgets import BUDGETS, created, user
from tests.people import Acme
from tests.postgres import Database
from tests.usage import record, results

DAY = {"unit": "day"}
COUNTER = (
    "INSERT INTO ai_budget_counters (budget_id, subject, slice, period_start, spent_micros,"
    " reserved_micros) VALUES (%s, %s, %s, %s, %s, 0)"
)
HOLD = "INSERT INTO ai_budget_holds VALUES (%s, %s, 0, %s, gen_random_uuid(), %s)"


def used(client: Client, number: int, micros: int, **more: Any) -> None:
    """Usage of this cost, a moment ago or at another time. A token of input costs 2 micro-units."""
    at = {"occurred_at": rfc3339(datetime.now(UTC))}
    made = record(number, tokens={"input": micros // 2}, **(at | more))
    assert [each["status"] for each in results(client, made)] == ["recorded"]


def figures(limit: int, spent: int, reserved: int = 0) -> dict[str, int]:
    return {
        "limit_micros": limit,
        "spent_micros": spent,
        "reserved_micros": reserved,
        "remaining_micros": limit - spent - reserved,
    }


def start_of(period: str) -> datetime:
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if period == "day" else midnight.replace(day=1)


def test_a_new_budget_shows_what_was_spent_before_it(
    adam: Client, acme: Acme, gateway: Client
) -> None:
    used(gateway, 1, 600)
    used(gateway, 2, 30, user="otto", provider="q", model="x")
    used(gateway, 3, 700, occurred_at=rfc3339(start_of("month") - timedelta(microseconds=1)))
    made = created(adam)
    month = start_of("month")
    assert adam.get(f"{BUDGETS}/all/spend").json() == {
        "budget_id": made["id"],
        "period_start": rfc3339(month),
        "period_end": rfc3339((month + timedelta(days=32)).replace(day=1)),
        "total": figures(1000, 600),
        "subjects": [],
        "next": None,
    }
    created(adam, "forever", period={"unit": "none"}, scope=user(acme.users["maya"]))
    forever = adam.get(f"{BUDGETS}/forever/spend").json()
    assert (forever["period_start"], forever["period_end"]) == (None, None)
    assert forever["total"] == figures(1000, 1300)
    created(adam, "other models", models=["q/*"])
    assert adam.get(f"{BUDGETS}/other%20models/spend").json()["total"] == figures(1000, 0)
    # The history of an ended budget stays readable.
    adam.delete(f"{BUDGETS}/all")
    ended = adam.get(f"{BUDGETS}/{made['id']}/spend")
    assert ended.json()["total"] == figures(1000, 600)


def test_counters_and_live_holds_are_the_spend_once_they_exist(
    adam: Client, gateway: Client, database: Database
) -> None:
    used(gateway, 1, 600)
    id_ = created(adam, period=DAY)["id"]
    for part, spent in enumerate((100, 20)):
        database.run(COUNTER, id_, "", part, start_of("day"), spent)
    database.run(HOLD, id_, "", datetime.now(UTC) + timedelta(hours=1), 7)
    database.run(HOLD, id_, "", datetime.now(UTC), 50)
    assert adam.get(f"{BUDGETS}/all/spend").json()["total"] == figures(1000, 120, 7)
    # Nothing has moved the counter into the current period.
    yesterday = start_of("day") - timedelta(days=1)
    database.run("UPDATE ai_budget_counters SET period_start = %s", yesterday)
    assert adam.get(f"{BUDGETS}/all/spend").json()["total"] == figures(1000, 600, 7)
    # Usage by a clock that is ahead was counted before.
    database.run("INSERT INTO ai_budget_spend VALUES (%s, '', %s, 650)", id_, start_of("day"))
    assert adam.get(f"{BUDGETS}/all/spend").json()["total"] == figures(1000, 650, 7)


def test_a_period_that_is_over_stays_readable(
    adam: Client, gateway: Client, database: Database
) -> None:
    used(gateway, 1, 600)
    yesterday = start_of("day") - timedelta(days=1)
    used(gateway, 2, 250, occurred_at=rfc3339(yesterday + timedelta(hours=9)))
    id_ = created(adam, period=DAY)["id"]
    database.run(HOLD, id_, "", datetime.now(UTC) + timedelta(hours=1), 7)
    found = adam.get(f"{BUDGETS}/all/spend?at={yesterday:%F}T09:00:00Z").json()
    assert found["period_start"] == rfc3339(yesterday)
    # A hold counts in the current period.
    assert found["total"]["spent_micros"] == 250
    assert found["total"]["reserved_micros"] == 0
    assert found["total"]["limit_micros"] is None, "the budget was not there"
    database.run("UPDATE ai_budget_limits SET since = %s", yesterday)
    again = adam.get(f"{BUDGETS}/all/spend?at={yesterday:%F}T09:00:00Z").json()
    assert again["total"] == figures(1000, 250)
    assert adam.get(f"{BUDGETS}/all/spend").json()["total"] == figures(1000, 600, 7)
    ahead = adam.get(f"{BUDGETS}/all/spend?at={start_of('day') + timedelta(days=1):%F}T00:00:00Z")
    assert ahead.status == 400
    assert ahead.json()["validations"] == [{"field": "at", "detail": "Must not be in the future."}]


def test_each_member_and_each_value_has_figures_of_its_own(
    adam: Client, acme: Acme, gateway: Client, database: Database
) -> None:
    used(gateway, 1, 600, labels={"project": "a\nb"})
    used(gateway, 2, 40, user="otto")
    members = created(adam, "members", per="member")["id"]
    database.run(COUNTER, members, str(acme.users["gus"]), 0, start_of("month"), 3)
    spend = adam.get(f"{BUDGETS}/members/spend").json()
    assert (spend["budget_id"], spend["total"]) == (members, None)
    found = {each["user"]["username"]: each for each in spend["subjects"]}
    assert found.keys() == {"adam", "ana", "gus", "maya", "otto"}
    for name, spent in (("maya", 600), ("otto", 40), ("gus", 3), ("adam", 0)):
        assert found[name] == figures(1000, spent) | {
            "user": {"id": str(acme.users[name]), "username": name},
            "value": None,
        }
    scope = {"type": "label", "key": "project"}
    values = created(adam, "values", scope=scope, per="value", models=["p/*"])["id"]
    database.run(COUNTER, values, "z", 0, start_of("month"), 5)
    expected = [
        figures(1000, spent) | {"user": None, "value": value}
        for value, spent in (("", 40), ("a\nb", 600), ("z", 5))
    ]
    assert adam.get(f"{BUDGETS}/values/spend").json()["subjects"] == expected
    path, seen = f"{BUDGETS}/values/spend?limit=1", list[Any]()
    following = ""
    while following is not None:
        page = adam.get(path + (f"&after={quote(following)}" if following else "")).json()
        seen += page["subjects"]
        following = page["next"]
    assert seen == expected


@pytest.fixture
def carrying(adam: Client, database: Database) -> str:
    """A daily budget of 100 since three days ago, which carries up to 50 over."""
    id_ = created(adam, limit_micros=100, period=DAY, rollover_micros=50)["id"]
    database.run("UPDATE ai_budget_limits SET since = %s", start_of("day") - timedelta(days=3))
    return str(id_)


def limit_at(database: Database, days_ago: int = 0) -> int | None:
    sql = "SELECT ai_budget_limit_in_effect(b, '', %s) FROM ai_budgets AS b"
    found = database.rows(sql, datetime.now(UTC) - timedelta(days=days_ago))[0][0]
    return None if found is None else int(found)


def test_what_was_not_spent_is_carried_over_up_to_the_bound(
    adam: Client, gateway: Client, carrying: str, database: Database
) -> None:
    yesterday = start_of("day") - timedelta(days=1)
    assert limit_at(database) == 150
    # The usage of yesterday, before anything counted it.
    used(gateway, 1, 70, occurred_at=rfc3339(yesterday))
    assert limit_at(database) == 130
    assert adam.get(f"{BUDGETS}/all/spend").json()["total"] == figures(130, 0)
    # The counter, which nothing has moved yet, and then what it was.
    database.run("DELETE FROM ai_budget_spend")
    database.run("UPDATE ai_budget_counters SET period_start = %s, spent_micros = 60", yesterday)
    assert limit_at(database) == 140
    database.run("UPDATE ai_budget_counters SET period_start = %s", start_of("day"))
    database.run("INSERT INTO ai_budget_spend VALUES (%s, '', %s, 80)", carrying, yesterday)
    assert limit_at(database) == 120
    database.run("UPDATE ai_budget_spend SET spent_micros = 99.999999")
    exact = "SELECT ai_budget_limit_in_effect(b, '', now()) = 100.000001 FROM ai_budgets AS b"
    assert database.rows(exact) == [(True,)]
    database.run("UPDATE ai_budget_spend SET spent_micros = 300")
    assert limit_at(database) == 100


def test_the_limit_before_is_that_of_the_end_of_its_period(
    carrying: str, database: Database
) -> None:
    today = start_of("day")
    for since, limit in ((today - timedelta(hours=1), 30), (today, 5)):
        database.run("INSERT INTO ai_budget_limits VALUES (%s, %s, %s)", carrying, since, limit)
    # 100 and what was left of 30. What was carried into yesterday is not carried on.
    assert limit_at(database) == 130
    assert [limit_at(database, days) for days in (1, 2, 3, 4)] == [80, 150, 100, None]


def test_a_budget_that_was_not_in_force_carries_nothing(database: Database, carrying: str) -> None:
    database.run("UPDATE ai_budgets SET starts_at = %s", start_of("day"))
    assert limit_at(database) == 100
    database.run("UPDATE ai_budgets SET starts_at = starts_at - interval '1 microsecond'")
    assert limit_at(database) == 150
    database.run("UPDATE ai_budgets SET starts_at = NULL")
    database.run("UPDATE ai_budget_limits SET since = %s", start_of("day"))
    assert limit_at(database) == 100
    database.run("UPDATE ai_budgets SET rollover_micros = 0")
    database.run("UPDATE ai_budget_limits SET since = '2000-01-01'")
    assert limit_at(database) == 100
