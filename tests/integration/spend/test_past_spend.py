"""The spend routes for another period than the current month."""

from datetime import UTC, datetime, timedelta
from typing import Any

from allowance.contract.fields import rfc3339
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.spend import group_spend, groups_spend, member_spend, spend_paths, today
from tests.usage import record, results

UNKNOWN = {
    "effective_group_id": None,
    "effective_budget": None,
    "spend_limit_micros": None,
    "limit_source": None,
    "reserved_micros": 0,
}
"""What a limit of the past was is not known."""


def with_query(path: str, query: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}{query}"


def all_four(client: Client, acme: Acme, query: str) -> list[dict[str, Any]]:
    """The response of the user's route, and the totals of the three of groups and members."""
    user, group, groups, members = (
        client.get(with_query(path, query)).json()
        for path in (
            "/api/v2/users/maya/ai/spend",
            group_spend(acme),
            groups_spend(acme, "acme/platform"),
            member_spend(acme, "maya", "otto"),
        )
    )
    bounds = [(each["period_start"], each["period_end"]) for each in (user, group, groups, members)]
    assert len(set(bounds)) == 1
    (total,) = groups["groups"]
    assert {name: group[name] for name in total} == total
    return [user, total, *members["members"]]


def record_around_october(gateway: Client, database: Database, acme: Acme) -> None:
    """0.1, 1, 10 and 100 thousand tokens, at 2 micros each."""
    times = ("2026-09-30T23:59:59Z", "2026-10-01T00:00:00Z", "2026-10-31T23:59:59Z", "2026-11-01Z")
    sent = [
        record(
            number,
            tokens={"input": 100 * 10**number},
            occurred_at=at.replace("01Z", "01T00:00:00Z"),
        )
        for number, at in enumerate(times)
    ]
    sent.append(record(9, user="otto", model="unheard-of", occurred_at="2026-10-15T10:00:00Z"))
    database.run(
        "INSERT INTO group_members (group_id, user_id) VALUES (%s, %s)",
        acme.groups["acme/platform"], acme.users["otto"],
    )  # fmt: skip
    database.run(
        "UPDATE users SET primary_group_id = %s WHERE username IN ('maya', 'otto')",
        acme.groups["acme/platform"],
    )
    assert {each["status"] for each in results(gateway, *sent)} == {"recorded"}


PERIODS = (
    ("month=2026-10", 22_000, 1),
    ("month=2026-09", 200, 0),
    ("from=2026-10-01T00:00:00Z&to=2026-11-01T00:00:00Z", 22_000, 1),
    ("from=2026-09-30T00:00:00Z&to=2026-11-02T00:00:00Z", 222_200, 1),
    ("from=2026-10-02T00:00:00Z&to=2026-10-16T00:00:00Z", 0, 1),
    ("from=2026-10-16T00:00:00Z&to=2026-11-02T00:00:00Z", 220_000, 0),
    ("month=2099-12", 0, 0),
)
"""Queries, with the cost of maya and the usages of otto."""


def test_a_period_has_what_its_days_have(
    gateway: Client, acme: Acme, adam: Client, database: Database
) -> None:
    record_around_october(gateway, database, acme)
    adam.put(acme.budget_path(), {"spend_limit_micros": 100})
    maya, otto = (str(acme.users[each]) for each in ("maya", "otto"))
    for query, micros, unpriced in PERIODS:
        user, group, *members = all_four(adam, acme, query)
        assert user | UNKNOWN == user
        assert (user["user_id"], user["current_spend_micros"]) == (maya, micros)
        assert group == {
            "group_id": str(acme.groups["acme/platform"]),
            "spend_limit_micros": None,
            "total_spend_limit_micros": None,
            "current_spend_micros": micros,
            "reserved_micros": 0,
            "unpriced_usage_count": unpriced,
        }
        shown = {
            each["user_id"]: (each["group_spend_micros"], each["unpriced_usage_count"])
            for each in members
        }
        assert shown == {maya: (micros, 0), otto: (0, unpriced)}
        assert {each["effective_budget"] or each["group_budget"] for each in members} == {None}


def test_the_current_month_by_name_or_by_its_bounds_is_the_default(
    acme: Acme, adam: Client
) -> None:
    adam.put(acme.budget_path(), {"spend_limit_micros": 100})
    first = today().replace(day=1)
    after = (first + timedelta(days=31)).replace(day=1)
    bounds = f"from={first}T00:00:00Z&to={after}T00:00:00Z"
    default = all_four(adam, acme, "")
    assert default[0]["spend_limit_micros"] == 100
    assert all_four(adam, acme, f"month={first:%Y-%m}") == default
    assert all_four(adam, acme, bounds) == default


def test_who_left_the_group_is_shown_for_the_months_of_their_spend(
    gateway: Client, acme: Acme, adam: Client, maya: Client, database: Database
) -> None:
    record_around_october(gateway, database, acme)
    database.run("DELETE FROM group_members")
    path = member_spend(acme, "maya", "otto", "ana")
    assert adam.get(path).json()["members"] == []
    found = adam.get(f"{path}&month=2026-10").json()["members"]
    assert {each["user_id"]: each["group_spend_micros"] for each in found} == {
        str(acme.users["maya"]): 22_000,
        str(acme.users["otto"]): 0,
    }
    database.run("UPDATE users SET status = 'deleted' WHERE username = 'otto'")
    assert len(adam.get(f"{path}&month=2026-10").json()["members"]) == 2
    assert adam.get(f"{path}&month=2026-09").json()["members"] == [
        each | {"group_spend_micros": 200} for each in found if each["group_spend_micros"]
    ]
    assert maya.get(f"{path}&month=2026-10").status == 404


def test_a_bad_period_is_refused_on_every_route(acme: Acme, adam: Client) -> None:
    for path in spend_paths(acme):
        for query, field in (
            ("month=2026-1", "month"),
            ("from=2026-10-01T00:00:00Z", "to"),
            ("from=2026-10-01T01:00:00Z&to=2026-10-02T00:00:00Z", "from"),
        ):
            answer = adam.get(with_query(path, query))
            assert answer.status == 400
            assert [each["field"] for each in answer.json()["validations"]] == [field]


def test_a_period_says_where_it_starts_and_ends(maya: Client) -> None:
    query = "from=2026-10-01T02:00:00%2B02:00&to=2026-10-08T00:00:00Z"
    found = maya.get(f"/api/v2/users/me/ai/spend?{query}").json()
    assert (found["period_start"], found["period_end"]) == tuple(
        rfc3339(datetime(2026, 10, day, tzinfo=UTC)) for day in (1, 8)
    )
