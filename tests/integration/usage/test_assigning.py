"""Names of unknown users that an owner assigns to a user, with their past and future usage."""

from typing import Any

import pytest

from tests.gateway import Client
from tests.ledger import assert_sums_agree
from tests.people import Acme
from tests.postgres import Database
from tests.refusals import NOT_FOUND
from tests.unattributed import COST, assign, listed, spent
from tests.usage import failed, message, record, results


@pytest.fixture
def olivia(acme: Acme) -> Client:
    """An owner: only owners assign."""
    return acme.client("olivia")


def test_an_owner_assigns_a_name_and_past_and_future_usage_is_the_users(
    gateway: Client, olivia: Client, acme: Acme, database: Database
) -> None:
    results(gateway, record(1, user="kim@x"), record(2, user="kim@x"), record(3, user="lee"))
    answer = assign(olivia, "kim@x", "maya@acme.example")
    assert (answer.status, answer.json()) == (
        200,
        {
            "source": "litellm",
            "name": "kim@x",
            "user": {"id": str(acme.users["maya"]), "username": "maya"},
            "booked_usage_count": 2,
            "booked_cost_micros": 2 * COST,
            "remaining_usage_count": 0,
        },
    )
    assert [each["name"] for each in listed(gateway)["names"]] == ["lee"]
    found = results(
        gateway,
        record(4, user="kim@x"),
        record(5, user="kim@x", group="platform"),
        record(6, user="kim@x", group="research"),
        record(7, user="kim@x", source="other"),
    )
    assert [each["attributed"] for each in found] == [True, True, True, False]
    assert [[each["field"] for each in one["validations"]] for one in found] == [
        [],
        [],
        ["group"],
        ["user"],
    ]
    assert failed(message("1", record(8, user="kim@x"))) == []
    assert spent(database) == {"maya": 6 * COST, "nobody": 2 * COST}
    groups = {id_: name for name, id_ in acme.groups.items()}
    assert [
        groups[group]
        for (group,) in database.rows(
            "SELECT group_id FROM ai_usage WHERE reason = 'usage' AND source_id = 'call-5'"
        )
    ] == ["acme/platform"]
    assert_sums_agree(database)


def test_an_assignment_is_audited_once_and_again_changes_nothing(
    gateway: Client, olivia: Client, acme: Acme, database: Database
) -> None:
    results(gateway, record(1, user="kim"))
    maya, otto = str(acme.users["maya"]), str(acme.users["otto"])
    first = assign(olivia, "kim", "maya").json()
    assert (first["booked_usage_count"], first["remaining_usage_count"]) == (1, 0)
    assert assign(olivia, "kim", maya.upper()).json()["booked_usage_count"] == 0
    assert assign(olivia, "kim", "otto").json()["booked_usage_count"] == 0
    for _ in range(2):
        assert assign(olivia, "kim", None).json()["user"] is None
    results(gateway, record(2, user="kim"))
    assert spent(database) == {"maya": COST, "nobody": COST}, "what was booked stays booked"
    key = {"source": "litellm", "name": "kim"}
    assert database.rows(
        "SELECT action, resource_id, actor_name, user_id::text, before, after FROM audit_log"
        " WHERE resource_type = 'ai_usage_assignment' ORDER BY id"
    ) == [
        ("create", "litellm/kim", "olivia", maya, None, key | {"user_id": maya}),
        ("update", "litellm/kim", "olivia", otto, key | {"user_id": maya}, key | {"user_id": otto}),
        ("delete", "litellm/kim", "olivia", otto, key | {"user_id": otto}, None),
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"source": "s", "name": "kim"}, "user"),
        ({"source": "s", "user": "maya"}, "name"),
        ({"name": "kim", "user": "maya"}, "source"),
        ({"source": "allowance", "name": "kim", "user": "maya"}, "source"),
        ({"source": "s", "name": "kim", "user": "nobody"}, "user"),
        ({"source": "s", "name": "", "user": "maya"}, "name"),
        ({"source": "s", "name": "kim", "user": "maya", "since": None}, "since"),
    ],
)
def test_an_assignment_that_nobody_understands_is_refused(
    olivia: Client, database: Database, body: dict[str, Any], field: str
) -> None:
    refused = olivia.post("/api/v2/ai/usage/unattributed", body)
    assert (refused.status, [each["field"] for each in refused.json()["validations"]]) == (
        400,
        [field],
    )
    assert database.rows("SELECT FROM ai_usage_assignments") == []


@pytest.mark.parametrize("role", ["gateway", "auditor"])
def test_readers_of_usage_list_and_only_an_owner_assigns(
    acme: Acme, database: Database, role: str
) -> None:
    for refused in (
        acme.client("adam").get("/api/v2/ai/usage/unattributed"),
        assign(acme.client("adam"), "kim", "adam"),
    ):
        assert (refused.status, refused.json()) == (404, NOT_FOUND)
    database.run("UPDATE users SET roles = ARRAY[%s] WHERE username = 'nora'", role)
    assert listed(acme.client("nora"))["names"] == []
    assert assign(acme.client("nora"), "kim", "nora").status == 404


def test_usage_of_nobody_in_several_organizations_is_kept_apart(
    gateway: Client, olivia: Client, acme: Acme, database: Database
) -> None:
    """All three records are of the same user, day, group and model: of nobody in each place."""
    for source, organization in (("a", "acme"), ("g", "globex"), ("none", None)):
        body = {"cost_from": "book", "organization": organization}
        assert olivia.put(f"/api/v2/ai/sources/{source}", body).status == 200
    found = results(
        gateway, *(record(1, user="kim", source=each) for each in ("a", "g", "none")), record(2)
    )
    assert [each["attributed"] for each in found] == [False] * 3 + [True]
    days = "SELECT organization_id, cost_micros::int FROM ai_spend_daily WHERE group_id = %s"
    nil = "00000000-0000-0000-0000-000000000000"
    assert {str(organization): cost for organization, cost in database.rows(days, nil)} == {
        str(acme.organizations["acme"]): COST,
        str(acme.organizations["globex"]): COST,
        nil: COST,
    }
    # The organization of later usage of the same name.
    assert olivia.put("/api/v2/ai/sources/a", body | {"organization": "globex"}).status == 200
    results(gateway, record(3, user="kim", source="a"))
    assert assign(olivia, "kim", "otto", source="a").json()["booked_usage_count"] == 2
    assert spent(database) == {"maya": COST, "otto": 2 * COST, "nobody": 2 * COST}
    assert_sums_agree(database)


def test_a_name_that_the_directory_knows_is_not_assigned(olivia: Client) -> None:
    answer = assign(olivia, "MAYA", "otto")
    assert answer.status == 400
    ((problem),) = answer.json()["validations"]
    assert problem["field"] == "name"
