"""Usage and holds of an organization's budget at its edges: its dates, its periods, its end."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from allowance.contract.fields import rfc3339
from tests.gateway import Client
from tests.organization_budgets import BUDGETS, created, figures, user
from tests.people import Acme
from tests.postgres import Database
from tests.reservations import PATH, limit_everyone, of_cost, reserve, settle, used
from tests.usage import results

NOW = datetime.now(UTC)
LABEL = {"type": "label", "key": "project"}


@pytest.fixture
def adam(acme: Acme) -> Client:
    return acme.client("adam")


def at(time: datetime, number: int, **changes: Any) -> dict[str, Any]:
    """Usage of a time. It costs 3000."""
    return used(number, **changes) | {"occurred_at": time.isoformat()}


def spent(client: Client, name: str) -> dict[str, int]:
    """What each member or value spent."""
    rows = client.get(f"{BUDGETS}/{name}/spend").json()["subjects"]
    return {
        each["value"] if each["user"] is None else each["user"]["username"]: each["spent_micros"]
        for each in rows
        if each["spent_micros"]
    }


def test_usage_counts_to_the_microsecond_within_the_dates_of_a_budget(
    gateway: Client, adam: Client, database: Database
) -> None:
    """In a counter as in the sum that a new counter starts with."""
    starts = (NOW - timedelta(hours=3)).replace(minute=5, second=7, microsecond=500)
    ends, tick = starts + timedelta(hours=1, minutes=3), timedelta(microseconds=1)
    period = {"unit": "none"}
    created(adam, "dated", starts_at=rfc3339(starts), ends_at=rfc3339(ends), period=period)
    results(gateway, at(starts + timedelta(minutes=30), 0))
    assert database.rows("SELECT sum(spent_micros)::int FROM ai_budget_counters") == [(3_000,)]
    edges = [starts - tick, starts, starts + tick, ends - tick, ends]
    results(gateway, *(at(time, number) for number, time in enumerate(edges, 1)))
    assert figures(adam, "dated")[0] == 12_000
    database.run("DELETE FROM ai_budget_counters")
    assert figures(adam, "dated")[0] == 12_000


def test_a_new_budget_counts_its_whole_period_and_then_each_usage_once(
    gateway: Client, acme: Acme, adam: Client
) -> None:
    maya = str(acme.users["maya"])
    results(gateway, used(1, labels={"project": "a"}), used(2), used(3, user="otto"))
    # Held before, so no budget that is created later holds it.
    id_ = reserve(gateway, of_cost(500))
    created(adam, "all", limit_micros=12_000)
    created(adam, "members", limit_micros=9_000, per="member")
    created(adam, "projects", limit_micros=9_500, per="value", scope=LABEL)
    created(adam, "maya", limit_micros=9_000, scope=user(maya))
    granted = gateway.post(PATH, of_cost(3_000, 2))
    assert granted.status == 201, granted.body
    seen = {each["name"]: each for each in granted.json()["decision"]["budgets"]}
    assert {name: each["spent_micros"] for name, each in seen.items()} == {
        "allowance": 6_000,
        "all": 9_000,
        "members": 6_000,
        "projects": 6_000,
        "maya": 6_000,
    }
    assert figures(adam, "all") == (9_000, 3_000, 0)
    refused = gateway.post(PATH, of_cost(1, 3, user="otto")).json()
    full = {each["name"] for each in refused["decision"]["budgets"] if each["would_refuse"]}
    assert full == {"all"}
    assert refused["budget"]["spend_limit_micros"] == 12_000
    assert settle(gateway, id_, used(4)).status == 200
    assert figures(adam, "all") == (12_000, 3_000, -3_000)
    assert figures(adam, "maya") == (9_000, 3_000, -3_000)


def granted_a_day_ago(database: Database, reservation: str) -> tuple[str, datetime]:
    """The id and the time of an open reservation, after its grant is moved back by a day."""
    old = UUID(reservation)
    granted = NOW.replace(microsecond=0) - timedelta(days=1)
    new = UUID(int=int(granted.timestamp() * 1000) << 80 | old.int & ((1 << 80) - 1))
    database.run("SELECT ensure_ai_reservation_month(%s)", granted + timedelta(minutes=1))
    database.run("UPDATE ai_reservations SET id = %s, granted_at = %s", new, granted)
    for table in ("ai_reservation_holds", "ai_budget_holds"):
        database.run(f"UPDATE {table} SET reservation_id = %s", new)
    return str(new), granted


def test_a_settlement_counts_in_the_period_of_its_usage(
    gateway: Client, adam: Client, database: Database
) -> None:
    daily = created(adam, "daily", limit_micros=9_000, period={"unit": "day"})
    created(adam, "all", limit_micros=9_000, period={"unit": "none"})
    id_, granted = granted_a_day_ago(database, reserve(gateway, of_cost(4_000)))
    for number, final in ((1, False), (2, True)):
        answer = settle(gateway, id_, at(granted, number, final=final))
        assert answer.status == 200, answer.body
        reserved = 0 if final else 1_000
        assert figures(adam, "daily") == (0, reserved, 9_000 - reserved)
        assert figures(adam, "all") == (number * 3_000, reserved, 9_000 - number * 3_000 - reserved)
    assert database.rows(
        "SELECT spent_micros::int FROM ai_budget_spend WHERE budget_id = %s", UUID(daily["id"])
    ) == [(6_000,)]


def test_the_holds_of_a_budget_that_ended_are_settled_and_refuse_nothing(
    gateway: Client, acme: Acme, adam: Client, database: Database
) -> None:
    limit_everyone(database, acme, 20_000)
    ended = created(adam, limit_micros=6_000)["id"]
    ids = [reserve(gateway, of_cost(2_000, number)) for number in range(3)]
    assert adam.delete(f"{BUDGETS}/{ended}").status == 204
    assert reserve(gateway, of_cost(2_000, 4))
    created(adam, limit_micros=1_000_000)
    settled = settle(gateway, ids[0], used(1))
    assert settled.status == 200, settled.body
    # The allowance is what binds from now on.
    assert settled.json()["budget"]["spend_limit_micros"] == 20_000
    assert gateway.delete(f"{PATH}/{ids[1]}").status == 204
    assert results(gateway, used(2, reservation_id=ids[2]))[0]["validations"] == []
    assert figures(adam, "all") == (6_000, 0, 994_000)
    assert database.rows(
        "SELECT sum(reserved_micros)::int FROM ai_budget_counters WHERE budget_id = %s",
        UUID(ended),
    ) == [(0,)]
    assert database.rows("SELECT FROM ai_budget_holds") == []


def test_a_settlement_says_which_of_its_names_it_does_not_know(
    gateway: Client, adam: Client
) -> None:
    created(adam, limit_micros=10_000)
    id_ = reserve(gateway, of_cost(5_000))
    sent = used(1, group="nowhere", model="unheard-of")
    settled = settle(gateway, id_, sent)
    assert settled.status == 200
    assert [each["field"] for each in settled.json()["validations"]] == ["model", "group"]
    assert settle(gateway, id_, sent).body == settled.body
    other = settle(gateway, reserve(gateway, of_cost(5_000, 2)), used(2))
    assert other.json()["validations"] == []


def test_members_and_values_have_holds_of_their_own(gateway: Client, adam: Client) -> None:
    created(adam, "members", limit_micros=5_000, per="member")
    created(adam, "projects", limit_micros=6_000, per="value", scope=LABEL)
    ids = [
        reserve(gateway, of_cost(3_000, number, user=name, labels=labels))
        for number, (name, labels) in enumerate(
            [("maya", {"project": "a"}), ("otto", {"project": "b"}), ("ana", None)]
        )
    ]
    refused = gateway.post(PATH, of_cost(2_001, 4, labels={"project": "b"})).json()
    bound = [each for each in refused["decision"]["budgets"] if each["binding"]]
    assert [each["name"] for each in bound] == ["members"]
    other = gateway.post(PATH, of_cost(3_001, 4, user="adam", dry_run=True)).json()
    bound = [each for each in other["decision"]["budgets"] if each["binding"]]
    assert [(each["name"], each["subject"]) for each in bound] == [("projects", "")]
    shown = gateway.get(f"{PATH}/{ids[2]}").json()["holds"]
    assert [(each["name"], each["subject"] == "") for each in shown] == [
        ("members", False),
        ("projects", True),
    ]
    for number, (id_, name, labels) in enumerate(
        zip(ids, ("maya", "otto", "ana"), ({"project": "a"}, {"project": "b"}, {}), strict=True)
    ):
        assert settle(gateway, id_, used(number, user=name, labels=labels)).status == 200
    assert spent(adam, "projects") == {"a": 3_000, "b": 3_000, "": 3_000}
    assert spent(adam, "members") == {"maya": 3_000, "otto": 3_000, "ana": 3_000}
