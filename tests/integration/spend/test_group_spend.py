"""The spend of groups and of their members: totals, rows, and what other organizations hide."""

from uuid import UUID

import pytest

import import_directory
from tests.gateway import Client, Context
from tests.people import Acme
from tests.postgres import Database
from tests.spend import NOT_FOUND, group_spend, groups_spend, member_spend, period, spend, totals


def test_the_total_of_a_group_is_what_its_members_may_spend_together(
    acme: Acme, olivia: Client, adam: Client, database: Database
) -> None:
    """maya has an override for the group, otto a higher budget elsewhere, ana neither.

    adam is in Everyone only.
    """
    import_directory.handler(
        {
            "users": [
                {"username": name, "organizations": [{"name": "acme", "groups": groups}]}
                for name, groups in (
                    ("otto", ["platform", "research"]),
                    ("ana", ["platform"]),
                    ("maya", ["platform"]),
                )
            ]
        },
        Context(),
    )
    assert adam.get(group_spend(acme)).json() == {
        **period(),
        **totals(acme, "acme/platform", None, None, 0),
    }
    adam.put(acme.budget_path(), {"spend_limit_micros": 100})
    assert adam.get(group_spend(acme)).json() == {
        **period(),
        **totals(acme, "acme/platform", 100, 300, 0),
    }
    adam.put(acme.budget_path("acme/research"), {"spend_limit_micros": 101})
    body = {"group_id": str(acme.groups["acme/platform"]), "spend_limit_micros": 7}
    olivia.put("/api/v2/users/maya/ai/budget/override", body)
    adam.put(acme.budget_path("acme/Everyone"), {"spend_limit_micros": 50})
    spend(database, acme, "nora", "acme/platform", 9)
    found = adam.get(groups_spend(acme, "acme/platform", "acme/research", "acme/Everyone")).json()
    assert {name: found[name] for name in ("period_start", "period_end")} == period()
    assert sorted(found["groups"], key=lambda each: each["spend_limit_micros"]) == [
        totals(acme, "acme/Everyone", 50, 50, 0),
        totals(acme, "acme/platform", 100, 107, 9),
        totals(acme, "acme/research", 101, 101, 0),
    ]
    import_directory.handler({"users": [{"username": "ana", "status": "deleted"}]}, Context())
    assert adam.get(group_spend(acme)).json()["total_spend_limit_micros"] == 7


def test_groups_that_the_caller_may_not_read_are_left_out(
    acme: Acme, maya: Client, adam: Client
) -> None:
    path = groups_spend(acme, "acme/platform", "acme/research", "acme/Everyone", "globex/sales")
    mine = {each["group_id"] for each in maya.get(path).json()["groups"]}
    assert mine == {str(acme.groups["acme/platform"]), str(acme.groups["acme/Everyone"])}
    assert len(adam.get(path).json()["groups"]) == 3, "not those of another organization"
    assert maya.get(groups_spend(acme, "acme/research")).json() == {**period(), "groups": []}
    assert (
        adam.get(f"/api/v2/organizations/acme/groups/ai/spend?group_ids={UUID(int=4)}").json()[
            "groups"
        ]
        == []
    )


@pytest.mark.parametrize("username", ["gus", "nora"])
def test_an_organization_looks_absent_to_strangers(acme: Acme, username: str) -> None:
    client = acme.client(username)
    for organization in ("acme", str(acme.organizations["acme"]), "nowhere", str(UUID(int=8))):
        answer = client.get(groups_spend(acme, "acme/platform", organization=organization))
        assert (answer.status, answer.json()) == (404, NOT_FOUND)


@pytest.mark.parametrize("username", ["otto", "gus", "nora"])
def test_a_group_that_the_caller_may_not_read_looks_absent(acme: Acme, username: str) -> None:
    client = acme.client(username)
    for path in (group_spend(acme), member_spend(acme, username)):
        assert client.get(path).json() == NOT_FOUND
        assert (
            client.get(path.replace(str(acme.groups["acme/platform"]), str(UUID(int=4)))).json()
            == NOT_FOUND
        )


def test_a_member_sees_one_row_and_an_admin_every_row(
    acme: Acme, maya: Client, adam: Client, database: Database
) -> None:
    database.run(
        "INSERT INTO group_members VALUES (%s, %s)",
        acme.groups["acme/platform"],
        acme.users["otto"],
    )
    adam.put(acme.budget_path(), {"spend_limit_micros": 100})
    adam.put(acme.budget_path("acme/research"), {"spend_limit_micros": 500})
    database.run(
        "INSERT INTO group_members VALUES (%s, %s)",
        acme.groups["acme/research"],
        acme.users["otto"],
    )
    spend(database, acme, "maya", "acme/platform", 30)
    spend(database, acme, "maya", "acme/research", 4)
    spend(database, acme, "otto", "acme/platform", 5)
    path = member_spend(acme, "maya", "otto", "gus", "adam", "nora")
    of_platform = {"spend_limit_micros": 100, "limit_source": "group"}
    of_research = {"spend_limit_micros": 500, "limit_source": "group"}
    rows = {
        "maya": {
            "user_id": str(acme.users["maya"]),
            "effective_group_id": str(acme.groups["acme/platform"]),
            "effective_budget": of_platform,
            "group_budget": of_platform,
            "group_spend_micros": 30,
            "reserved_micros": 0,
            "unpriced_usage_count": 0,
        },
        "otto": {
            "user_id": str(acme.users["otto"]),
            "effective_group_id": str(acme.groups["acme/research"]),
            "effective_budget": of_research,
            "group_budget": None,
            "group_spend_micros": 5,
            "reserved_micros": 0,
            "unpriced_usage_count": 0,
        },
    }
    assert maya.get(path).json() == {**period(), "members": [rows["maya"]]}
    found = adam.get(path).json()["members"]
    assert found == sorted(rows.values(), key=lambda each: each["user_id"]), (
        "gus, adam and nora are not in the group"
    )
    assert maya.get(member_spend(acme, "otto")).json() == {**period(), "members": []}


def test_the_budget_of_another_organization_stays_hidden(
    acme: Acme, adam: Client, olivia: Client, database: Database
) -> None:
    database.run(
        "INSERT INTO organization_members (organization_id, user_id) VALUES (%s, %s)",
        acme.organizations["globex"],
        acme.users["maya"],
    )
    olivia.put(acme.budget_path("globex/Everyone"), {"spend_limit_micros": 900})
    adam.put(acme.budget_path(), {"spend_limit_micros": 100})
    (row,) = adam.get(member_spend(acme, "maya")).json()["members"]
    assert (row["effective_group_id"], row["effective_budget"], row["group_budget"]) == (
        None,
        None,
        None,
    )
    assert adam.get(group_spend(acme)).json()["total_spend_limit_micros"] == 0
    (seen,) = (
        acme.client("gus")
        .get(member_spend(acme, "maya", group="globex/Everyone"))
        .json()["members"]
    )
    assert seen["group_budget"] == {"spend_limit_micros": 900, "limit_source": "group"}


def test_a_member_without_a_limit_counts_for_everyone(acme: Acme, adam: Client) -> None:
    (row,) = adam.get(member_spend(acme, "maya")).json()["members"]
    assert row["effective_group_id"] == str(acme.organizations["acme"])
    assert (row["effective_budget"], row["group_budget"]) == (None, None)
