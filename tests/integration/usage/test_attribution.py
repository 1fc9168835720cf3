"""The group that a usage counts for: the one it names, else the primary one, else the effective."""

from typing import Any
from uuid import UUID

import pytest

from tests.directory_documents import apply
from tests.gateway import Client
from tests.ledger import assert_sums_agree
from tests.people import Acme
from tests.postgres import Database
from tests.usage import failed, message, record, results


@pytest.fixture
def in_both(acme: Acme, adam: Client) -> None:
    """maya is in both groups and in globex; the budget in effect is of research."""
    apply(
        {
            "users": [
                {
                    "username": "maya",
                    "organizations": [
                        {"name": "acme", "groups": ["platform", "research"]},
                        {"name": "globex"},
                    ],
                }
            ]
        }
    )
    adam.put(acme.budget_path("acme/research"), {"spend_limit_micros": 3000})


def counted_for(database: Database, acme: Acme) -> list[str]:
    """The group of each entry by its name in the directory. The organization is the group's."""
    groups = {str(id_): name for name, id_ in acme.groups.items()}
    found = database.rows("SELECT group_id, organization_id FROM ai_usage ORDER BY source_id")
    assert {str(o) for _, o in found} <= {str(each) for each in acme.organizations.values()}
    assert all(
        acme.organizations[groups[str(g)].partition("/")[0]] == organization
        for g, organization in found
    )
    return [groups[str(g)] for g, _ in found]


@pytest.mark.usefixtures("in_both")
def test_a_usage_counts_for_the_group_that_it_names(
    gateway: Client, acme: Acme, database: Database
) -> None:
    platform = str(acme.groups["acme/platform"])
    named = ["platform", platform, platform.upper(), "acme/platform", "globex/Everyone", "research"]
    found = results(
        gateway,
        record(0),
        *(record(n, group=group) for n, group in enumerate(named, 1)),
        record(7, user="maya@acme.example", group="platform"),
    )
    assert [(each["status"], each["validations"]) for each in found] == [("recorded", [])] * 8
    expected = ["acme/research", *["acme/platform"] * 4, "globex/Everyone", "acme/research"]
    assert counted_for(database, acme) == [*expected, "acme/platform"]
    assert_sums_agree(database)


@pytest.mark.usefixtures("in_both")
@pytest.mark.parametrize("group", ["sales", "globex/sales", "Everyone", str(UUID(int=0))])
def test_a_group_that_is_not_the_users_own_is_named_and_not_used(
    gateway: Client, acme: Acme, database: Database, group: str
) -> None:
    """`Everyone` is ambiguous for a member of two organizations."""
    (found, unpriced) = results(gateway, record(1, group=group), record(2, group=group, model="x"))
    assert (found["status"], found["cost_micros"]) == ("recorded", 3000)
    assert [each["field"] for each in found["validations"]] == ["group"]
    assert [each["field"] for each in unpriced["validations"]] == ["model", "group"]
    # The next result is not changed by this one.
    assert len(results(gateway, record(3, model="x"))[0]["validations"]) == 1
    assert counted_for(database, acme) == ["acme/research"] * 3


@pytest.mark.usefixtures("in_both")
def test_without_a_named_group_a_usage_counts_for_the_primary_one(
    gateway: Client, acme: Acme, database: Database
) -> None:
    steps: list[tuple[dict[str, Any], str]] = [
        ({"username": "maya", "primary_group": "acme/platform"}, "acme/platform"),
        ({"username": "maya", "primary_group": "globex/Everyone"}, "globex/Everyone"),
        ({"username": "maya", "organizations": [{"name": "acme"}]}, "acme/research"),
        ({"username": "maya", "primary_group": "acme/platform"}, "acme/platform"),
        ({"username": "maya", "primary_group": None}, "acme/research"),
    ]
    for n, (user, group) in enumerate(steps):
        apply({"users": [user]})
        results(gateway, record(n))
        assert counted_for(database, acme)[n] == group
    apply({"users": [{"username": "maya", "primary_group": "acme/platform"}]})
    results(gateway, record(8, group="research"), record(9, group="sales"))
    assert counted_for(database, acme)[-2:] == ["acme/research", "acme/platform"]


def test_a_primary_group_of_a_deleted_organization_counts_for_nothing(
    gateway: Client, acme: Acme, database: Database
) -> None:
    apply(
        {
            "users": [
                {
                    "username": "maya",
                    "organizations": [{"name": "acme"}, {"name": "globex", "groups": ["sales"]}],
                    "primary_group": "globex/sales",
                }
            ]
        }
    )
    apply({"organizations": [{"name": "globex", "deleted": True}], "confirm_deletions": True})
    found = results(gateway, record(1), record(2, group="globex/sales"))
    assert [len(each["validations"]) for each in found] == [0, 1]
    assert counted_for(database, acme) == ["acme/Everyone"] * 2


@pytest.mark.usefixtures("in_both")
def test_a_named_group_changes_neither_limit_nor_alert(
    gateway: Client, acme: Acme, database: Database
) -> None:
    """The limit is compared with all spend of the user, and an alert names the limit's group."""
    results(gateway, record(1, group="platform"), record(2, group="acme/Everyone"))
    assert database.rows("SELECT DISTINCT group_id, limit_source FROM ai_alerts") == [
        (acme.groups["acme/research"], "group")
    ]
    assert set(counted_for(database, acme)) == {"acme/platform", "acme/Everyone"}


def test_the_queue_takes_labels_and_groups(gateway: Client, acme: Acme, database: Database) -> None:
    assert gateway is not None
    batch = [record(1, group="platform", labels={"a": "b"}), record(2, group="sales")]
    assert failed(message("1", *batch)) == []
    assert counted_for(database, acme) == ["acme/platform", "acme/Everyone"]
