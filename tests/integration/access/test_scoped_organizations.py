"""The organizations that the scope of a token leaves visible."""

from typing import Any

import pytest

from tests.directory_documents import apply
from tests.gateway import Client
from tests.people import Acme
from tests.refusals import NOT_FOUND, without_request_id

READ_GROUPS = {"resource_type": "group", "action": "read"}
READ_USERS = {"resource_type": "user", "action": "read"}
READ_LOG = {"resource_type": "audit_log", "action": "read"}
ROUTES = (
    "/api/v2/organizations/{}/groups",
    "/api/v2/organizations/{}/groups/ai/spend?group_ids=00000000-0000-4000-8000-000000000000",
)


def of(organization: str, *permissions: dict[str, str]) -> dict[str, Any]:
    return {"by_org_id": {organization: {"org": list(permissions)}}}


def only(*groups: str) -> dict[str, Any]:
    listed = [{"type": "group", "id": each} for each in groups]
    return {"allow_list": [*listed, {"type": "user", "id": "*"}]}


def client_of_both(scope: dict[str, Any] | None) -> Client:
    """A member of acme and globex, in a group of each, with a token of this scope."""
    made = apply(
        {
            "users": [
                {
                    "username": "bo",
                    "organizations": [
                        {"name": "acme", "groups": ["platform"]},
                        {"name": "globex", "groups": ["sales"]},
                    ],
                }
            ],
            "tokens": [{"username": "bo", "name": "t", "scope": scope}],
        }
    )
    return Client(made["tokens"]["bo/t"])


@pytest.mark.parametrize(
    ("scope", "visible"),
    [
        (None, {"acme", "globex"}),
        ({"site": [READ_GROUPS]}, {"acme", "globex"}),
        (of("acme", READ_GROUPS), {"acme"}),
        (of("acme", READ_GROUPS) | only("acme/platform"), {"acme"}),
        ({"site": [READ_GROUPS]} | only("globex/sales"), {"globex"}),
        ({"site": [READ_GROUPS]} | only("acme/platform", "globex/Everyone"), {"acme", "globex"}),
        # In the organization, but not a group that bo may read.
        ({"site": [READ_GROUPS]} | only("acme/research"), set()),
        (of("acme", READ_GROUPS) | only("globex/sales"), set()),
        ({"site": [READ_GROUPS]} | only("*"), {"acme", "globex"}),
        ({"site": [READ_GROUPS]} | only(), set()),
        (of("acme", READ_LOG), set()),
        ({}, set()),
    ],
)
def test_an_organization_is_visible_by_one_of_its_groups(
    acme: Acme, scope: dict[str, Any] | None, visible: set[str]
) -> None:
    if scope is not None:
        scope = scope | {"user": [READ_USERS]}
    client = client_of_both(scope)
    for path in ROUTES:
        nowhere = client.get(path.format("nowhere"))
        assert (nowhere.status, nowhere.json()) == (404, NOT_FOUND)
        for organization in ("acme", "globex"):
            answer = client.get(path.format(organization))
            if organization in visible:
                assert answer.status == 200
            else:
                assert without_request_id(answer) == without_request_id(nowhere)
    me = client.get("/api/v2/users/me").json()
    assert {each["name"] for each in me["organizations"]} == visible


def test_a_site_wide_reader_with_one_allowed_group_finds_it(acme: Acme) -> None:
    scope = {"site": [READ_GROUPS]} | only("acme/platform")
    made = apply({"tokens": [{"username": "olivia", "name": "one", "scope": scope}]})
    olivia = Client(made["tokens"]["olivia/one"])
    found = olivia.get("/api/v2/organizations/acme/groups").json()["groups"]
    assert [each["name"] for each in found] == ["platform"]
    assert olivia.get("/api/v2/organizations/globex/groups").status == 404


def test_a_token_for_exports_alone_exports(acme: Acme) -> None:
    """It sees no group, so that the organization is visible to no other route."""
    scope = of("acme", {"resource_type": "group_member", "action": "read"})
    made = apply({"tokens": [{"username": "adam", "name": "export", "scope": scope}]})
    client = Client(made["tokens"]["adam/export"])
    export = "/api/v2/organizations/acme/ai/spend/export"
    assert client.get(export).status == 200
    assert client.get(f"{export}?format=focus").status == 200
    assert client.get("/api/v2/organizations/acme/groups").status == 404
