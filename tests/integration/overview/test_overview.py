"""The overview: what a first page shows, and what it leaves out for its caller."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from allowance.contract.fields import rfc3339
from tests.gateway import Client
from tests.organization_budgets import created, group, user
from tests.overview import FORECASTS, PATH, overview, use
from tests.people import Acme
from tests.postgres import Database
from tests.spend import NOT_FOUND, period, today


def test_an_admin_sees_the_whole_organization(busy: Acme, adam: Client) -> None:
    seen = overview(adam)
    platform, everyone = busy.groups["acme/platform"], busy.organizations["acme"]
    assert seen["organization_id"] == str(everyone)
    assert (seen["organization_name"], seen["usage_of"]) == ("acme", "organization")
    assert {name: seen[name] for name in ("period_start", "period_end")} == period()
    assert seen["totals"] == {
        "spent_micros": 1200,
        "reserved_micros": 5,
        "usage_count": 3,
        "unpriced_usage_count": 1,
        "unattributed_usage_count": 0,
        "unattributed_micros": 0,
    }
    assert seen["group_count"] == 3
    named = {each["name"]: each for each in seen["groups"]}
    assert [each["name"] for each in seen["groups"]] == ["platform", "Everyone", "research"]
    assert named["platform"] == {
        "group_id": str(platform),
        "name": "platform",
        "spend_limit_micros": 1000,
        "total_spend_limit_micros": 1000,
        "current_spend_micros": 900,
        "reserved_micros": 5,
        "unpriced_usage_count": 1,
        "member_count": 1,
    }
    assert named["Everyone"]["member_count"] == 4
    assert named["Everyone"]["current_spend_micros"] == 300
    assert seen["budget_count"] == 2
    assert [(each["name"], each["total"]) for each in seen["budgets"]] == [
        (
            "all",
            {
                "limit_micros": 5000,
                "spent_micros": 1200,
                "reserved_micros": 5,
                "remaining_micros": 3795,
            },
        ),
        ("platform", None),
    ]
    assert seen["near_limit_count"] == 1
    assert seen["near_limit"] == [
        {
            "user": {"id": str(busy.users["maya"]), "username": "maya"},
            "group_id": str(platform),
            "spend_limit_micros": 1000,
            "limit_source": "group",
            "current_spend_micros": 900,
        }
    ]
    assert seen["models"] == [
        {"provider": "p", "model": "m", "cost_micros": 1200, "usage_count": 2},
        {"provider": "q", "model": "unheard-of", "cost_micros": 0, "usage_count": 1},
    ]
    assert [(each["user"]["username"], each["cost_micros"]) for each in seen["users"]] == [
        ("maya", 900),
        ("otto", 300),
    ]
    assert seen["unpriced_models"] == [
        {"provider": "q", "model": "unheard-of", "usage_count": 1, "tokens": 7}
    ]
    assert [each["resource_type"] for each in seen["changes"][:3]] == [
        "organization_ai_budget",
        "organization_ai_budget",
        "group_ai_budget",
    ]
    assert len(seen["changes"]) == 10


def test_a_day_without_usage_is_there_with_zeros(busy: Acme, adam: Client) -> None:
    found = overview(adam)["days"]
    first = today().replace(day=1)
    assert [each["day"] for each in found] == [
        str(first + timedelta(days=number)) for number in range(today().day)
    ]
    assert found[-1] == {
        "day": str(today()), "cost_micros": 1200, "usage_count": 3, "unpriced_usage_count": 1,
    }  # fmt: skip
    assert sum(each["cost_micros"] for each in found) == 1200


def test_a_member_sees_his_groups_and_himself(busy: Acme, maya: Client, adam: Client) -> None:
    created(adam, "mine", scope=user(busy.users["maya"]))
    created(adam, "research", scope=group(busy.groups["acme/research"]))
    seen = overview(maya)
    assert seen["usage_of"] == "caller"
    assert seen["totals"] == {
        "spent_micros": 900,
        "reserved_micros": 5,
        "usage_count": 2,
        "unpriced_usage_count": 1,
        "unattributed_usage_count": None,
        "unattributed_micros": None,
    }
    assert [each["name"] for each in seen["groups"]] == ["platform", "Everyone"]
    assert seen["group_count"] == 2
    assert [each["name"] for each in seen["budgets"]] == ["all", "mine", "platform"]
    assert [each["user"]["username"] for each in seen["users"]] == ["maya"]
    assert [each["model"] for each in seen["models"]] == ["m", "unheard-of"]
    assert seen["models"][0]["cost_micros"] == 900
    assert seen["near_limit_count"] == 1
    assert seen["changes"] == []
    otto = overview(busy.client("otto"))
    assert (otto["near_limit_count"], otto["near_limit"]) == (0, [])
    assert [each["cost_micros"] for each in otto["users"]] == [300]
    assert (otto["unpriced_models"], otto["totals"]["reserved_micros"]) == ([], 0)


def test_an_auditor_sees_all_and_a_user_admin_no_changes(busy: Acme, database: Database) -> None:
    seen = overview(busy.client("ana"))
    assert (seen["usage_of"], len(seen["groups"]), len(seen["changes"])) == ("organization", 3, 10)
    database.run(
        "UPDATE organization_members SET roles = '{organization-user-admin}' WHERE user_id = %s",
        busy.users["ana"],
    )
    seen = overview(busy.client("ana"))
    assert (seen["usage_of"], len(seen["groups"]), seen["changes"]) == ("organization", 3, [])


def test_a_token_that_names_one_group_shows_that_group_alone(
    busy: Acme, maya: Client, database: Database
) -> None:
    platform = str(busy.groups["acme/platform"])
    scope: dict[str, Any] = {
        "site": [{"resource_type": "*", "action": "read", "negate": False}],
        "user": [],
        "by_org_id": {},
        "allow_list": [{"type": "group", "id": platform}],
    }
    database.run(
        "UPDATE api_tokens SET scope = %s::jsonb WHERE user_id = %s",
        json.dumps(scope),
        busy.users["maya"],
    )
    seen = overview(maya)
    assert [each["name"] for each in seen["groups"]] == ["platform"]
    assert (seen["usage_of"], seen["totals"]) == (None, None)
    for name in ("days", "models", "users", "unpriced_models", "near_limit", "changes"):
        assert seen[name] == [], name


@pytest.mark.parametrize("username", ["gus", "nora"])
def test_it_looks_absent_to_strangers(acme: Acme, username: str) -> None:
    client = acme.client(username)
    for path in (PATH, FORECASTS):
        for organization in ("acme", "nowhere"):
            answer = client.get(path.replace("acme", organization))
            assert (answer.status, answer.json()) == (404, NOT_FOUND)


def test_unattributed_usage_is_in_the_totals_and_named(
    acme: Acme, adam: Client, gateway: Client
) -> None:
    source = {"cost_from": "book", "organization": "acme"}
    assert acme.client("olivia").put("/api/v2/ai/sources/litellm", source).status == 200
    use(gateway, 1, 40, user="nobody")
    totals = overview(adam)["totals"]
    assert (totals["spent_micros"], totals["unattributed_micros"]) == (40, 40)
    assert totals["unattributed_usage_count"] == 1
    assert overview(adam)["users"] == []


def test_usage_of_the_months_beside_is_left_out(
    acme: Acme, adam: Client, maya: Client, gateway: Client, database: Database
) -> None:
    first = datetime.combine(today().replace(day=1), datetime.min.time(), UTC)
    use(gateway, 1, 600, occurred_at=rfc3339(first - timedelta(microseconds=1)))
    use(gateway, 2, 20, occurred_at=rfc3339(first))
    for table, column in (("ai_usage_quarter_hourly", "starts_at"), ("ai_spend_daily", "day")):
        # By a clock that is ahead.
        database.run(
            f"INSERT INTO {table} SELECT (jsonb_populate_record(s, jsonb_build_object('{column}',"
            f" s.{column} + interval '2 months'))).* FROM {table} AS s WHERE s.cost_micros = 600"
        )
    for client in (adam, maya):
        seen = overview(client)
        assert seen["totals"]["spent_micros"] == 20
        assert seen["days"][0]["cost_micros"] == 20
        assert [each["cost_micros"] for each in seen["users"]] == [20]
    assert {each["current_spend_micros"] for each in overview(adam)["groups"]} == {0, 20}


def test_a_group_that_is_gone_counts_in_the_totals(
    acme: Acme, adam: Client, gateway: Client, database: Database
) -> None:
    adam.put(acme.budget_path(), {"spend_limit_micros": 1000})
    use(gateway, 1, 20)
    database.run("DELETE FROM groups WHERE id = %s", acme.groups["acme/platform"])
    seen = overview(adam)
    assert (seen["totals"]["spent_micros"], seen["group_count"]) == (20, 2)
    assert [each["cost_micros"] for each in seen["users"]] == [20]
