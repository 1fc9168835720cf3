"""Every spend route shows what is held for calls, and how many usages have no price."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.reservations import end_holds, of_cost, reserve, settle, used
from tests.spend import group_spend, groups_spend, member_spend, spend_paths
from tests.usage import record, rerate, results


def shown(acme: Acme, name: str) -> list[Any]:
    """A field of maya and of platform: of the group, the member, the groups, the user."""
    found: list[Any] = []
    for path in spend_paths(acme):
        body = acme.client("maya").get(path).json()
        (each,) = body.get("members") or body.get("groups") or [body]
        found.append(each[name])
    return found


def test_what_is_held_is_seen_in_every_spend_route(
    acme: Acme, adam: Client, gateway: Client, database: Database
) -> None:
    """maya's first call counts for Everyone, the others for platform."""
    reserve(gateway, of_cost(5, 1))
    assert shown(acme, "reserved_micros") == [0, 0, 0, 5]
    adam.put(acme.budget_path(), {"spend_limit_micros": 10**9})
    reserve(gateway, of_cost(30, 2))
    held = reserve(gateway, of_cost(4_000, 3))
    reserve(gateway, of_cost(700, 4, user="otto"))
    assert shown(acme, "reserved_micros") == [4_030, 4_030, 4_030, 4_035]
    groups = adam.get(groups_spend(acme, "acme/Everyone", "acme/platform")).json()["groups"]
    assert sorted(each["reserved_micros"] for each in groups) == [705, 4_030]
    settle(gateway, held, used(3, final=False))
    assert shown(acme, "reserved_micros") == [1_030, 1_030, 1_030, 1_035]
    assert shown(acme, "unpriced_usage_count") == [0] * 4
    end_holds(database)
    assert shown(acme, "reserved_micros") == [0] * 4


def test_a_group_shows_what_is_held_for_all_its_members(
    acme: Acme, adam: Client, gateway: Client, database: Database
) -> None:
    database.run(
        "INSERT INTO group_members VALUES (%s, %s)",
        acme.groups["acme/platform"],
        acme.users["otto"],
    )
    adam.put(acme.budget_path(), {"spend_limit_micros": 10**9})
    reserve(gateway, of_cost(30, 1))
    reserve(gateway, of_cost(5, 2, user="otto"))
    assert adam.get(group_spend(acme)).json()["reserved_micros"] == 35
    rows = adam.get(member_spend(acme, "maya", "otto")).json()["members"]
    assert {each["user_id"]: each["reserved_micros"] for each in rows} == {
        str(acme.users["maya"]): 30,
        str(acme.users["otto"]): 5,
    }


def test_usage_without_a_price_is_counted_until_it_has_one(
    acme: Acme, adam: Client, gateway: Client
) -> None:
    """It counts for the group and the month of its time."""
    now = datetime.now(UTC)
    adam.put(acme.budget_path(), {"spend_limit_micros": 10**9})
    before = (now.replace(day=1) - timedelta(days=1)).isoformat()
    results(
        gateway,
        *(record(n, model="new", occurred_at=now.isoformat()) for n in (1, 2)),
        record(3, model="new", occurred_at=now.isoformat(), requests=10),
        record(4, occurred_at=now.isoformat()),
        record(5, model="new", occurred_at=before),
        record(6, model="new", occurred_at=now.isoformat(), user="otto"),
    )
    assert shown(acme, "unpriced_usage_count") == [12] * 4
    seed(price("new", input_price=1_000_000, output_price=0))
    rerate()
    assert shown(acme, "unpriced_usage_count") == [0] * 4


def test_a_change_of_the_group_leaves_unpriced_usage_where_it_was(
    acme: Acme, adam: Client, gateway: Client
) -> None:
    now = datetime.now(UTC).isoformat()
    results(gateway, record(1, model="new", occurred_at=now))
    adam.put(acme.budget_path(), {"spend_limit_micros": 10**9})
    assert shown(acme, "unpriced_usage_count") == [0, 0, 0, 1]
    results(gateway, record(2, model="new", occurred_at=now))
    assert shown(acme, "unpriced_usage_count") == [1, 1, 1, 2]
