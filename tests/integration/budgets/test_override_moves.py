"""An override that moves to another group ends there and begins here, for logs and for rights."""

from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from tests.gateway import Client
from tests.overrides import MAYA, NOT_FOUND, entries, import_, limit, narrow, without_request_id
from tests.people import Acme
from tests.postgres import Database

BOTH: dict[str, object] = {
    "users": [
        {
            "username": "maya",
            "organizations": [
                {"name": "acme", "groups": ["platform"]},
                {"name": "globex", "groups": ["sales"]},
            ],
        }
    ]
}


def listed(client: Client, query: str = "") -> list[dict[str, Any]]:
    """The audit entries about overrides that a caller reads, oldest first."""
    found = client.get(f"/api/v2/audit?{query}").json()["entries"]
    return [each for each in reversed(found) if each["resource_type"] == "user_ai_budget_override"]


def test_each_organization_reads_its_own_half_of_a_move(olivia: Client, acme: Acme) -> None:
    import_(BOTH)
    here, there = limit(acme, 1, "acme/platform"), limit(acme, 2, "globex/sales")
    olivia.put(MAYA, here)
    assert olivia.put(MAYA, there).status == 200
    for reader in ("adam", "ana"):
        seen = listed(acme.client(reader))
        assert [(each["action"], each["before"], each["after"]) for each in seen] == [
            ("create", None, here),
            ("delete", here, None),
        ]
    (begun,) = listed(acme.client("gus"))
    assert (begun["action"], begun["before"], begun["after"]) == ("create", None, there)
    assert str(acme.organizations["acme"]) not in str(begun)
    assert str(acme.groups["acme/platform"]) not in str(begun)


def test_the_filter_by_group_finds_both_ends_of_a_move(olivia: Client, acme: Acme) -> None:
    olivia.put(MAYA, limit(acme, 1))
    olivia.put(MAYA, limit(acme, 2, "acme/Everyone"))
    olivia.put(MAYA, limit(acme, 3, "acme/Everyone"))
    actions = {
        group: [each["action"] for each in listed(olivia, f"group={acme.groups[group]}")]
        for group in ("acme/platform", "acme/Everyone")
    }
    assert actions == {
        "acme/platform": ["create", "delete"],
        "acme/Everyone": ["create", "update"],
    }
    chain = listed(olivia)
    assert all(later["before"] == earlier["after"] for earlier, later in pairwise(chain))


def test_a_move_keeps_the_time_of_creation_and_is_a_new_version(olivia: Client, acme: Acme) -> None:
    first = olivia.put(MAYA, limit(acme, 1)).json()
    moved = olivia.put(MAYA, limit(acme, 1, "acme/Everyone")).json()
    assert moved["created_at"] == first["created_at"]
    assert moved["updated_at"] > first["updated_at"]


def test_the_group_that_an_override_leaves_must_be_the_callers_too(
    olivia: Client, acme: Acme, database: Database
) -> None:
    olivia.put(MAYA, limit(acme, 1))
    into = narrow(acme, "acme/Everyone")
    refused = into.put(MAYA, limit(acme, 2, "acme/Everyone"))
    absent = into.put(MAYA, {"group_id": str(UUID(int=5)), "spend_limit_micros": 1})
    assert without_request_id(refused) == without_request_id(absent)
    assert (refused.status, refused.json()) == (404, NOT_FOUND)
    # The right counts before the version: a 412 would tell of it.
    for headers in ({"If-None-Match": "*"}, {"If-Match": '"other"'}):
        assert into.put(MAYA, limit(acme, 2, "acme/Everyone"), headers=headers).status == 404
    assert olivia.get(MAYA).json()["spend_limit_micros"] == 1
    assert [entry[1] for entry in entries(database)] == ["create"]


def test_a_caller_of_both_groups_may_move_an_override(olivia: Client, acme: Acme) -> None:
    olivia.put(MAYA, limit(acme, 1))
    both = narrow(acme, "acme/platform", "acme/Everyone")
    assert both.put(MAYA, limit(acme, 2, "acme/Everyone")).status == 200


@pytest.mark.parametrize("headers", [{}, {"If-None-Match": "*"}], ids=["PUT", "If-None-Match"])
def test_an_override_of_a_deleted_organization_is_replaced_like_none(
    olivia: Client, acme: Acme, database: Database, headers: dict[str, str]
) -> None:
    """Nobody may update a group of a deleted organization, and nobody needs to."""
    import_(BOTH)
    first = olivia.put(MAYA, limit(acme, 1, "globex/sales"))
    import_({"organizations": [{"name": "globex", "deleted": True}], "confirm_deletions": True})
    here = narrow(acme, "acme/platform")
    assert here.put(MAYA, limit(acme, 2), headers={"If-Match": "*"}).status == 412
    put = here.put(MAYA, limit(acme, 2), headers=headers)
    assert put.status == 200
    assert put.json()["created_at"] > first.json()["updated_at"], "GET was 404 before"
    old, new = limit(acme, 1, "globex/sales"), limit(acme, 2)
    assert [entry[1:5] for entry in entries(database)] == [
        ("create", None, old, acme.groups["globex/sales"]),
        ("delete", old, None, acme.groups["globex/sales"]),
        ("create", None, new, acme.groups["acme/platform"]),
    ]
    organizations = database.rows(
        "SELECT organization_id FROM audit_log WHERE resource_type = 'user_ai_budget_override' "
        "ORDER BY id"
    )
    assert organizations == [(acme.organizations[name],) for name in ("globex", "globex", "acme")]
