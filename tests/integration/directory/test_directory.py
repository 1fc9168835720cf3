"""GET users/me, organizations/{organization}/groups, groups/{group}, audit, healthz."""

import pytest

from allowance.directory.document import MAX_ORGANIZATIONS_OF_USER
from allowance.rbac.roles import ORGANIZATION_ROLES
from tests.conftest import environment
from tests.gateway import MAX_RESPONSE_BYTES, Client
from tests.people import Acme
from tests.postgres import Database


def test_me_returns_the_caller(maya: Client, acme: Acme) -> None:
    assert maya.get("/api/v2/users/me").json() == {
        "id": str(acme.users["maya"]),
        "username": "maya",
        "email": "maya@acme.example",
        "roles": [],
        "organizations": [{"id": str(acme.organizations["acme"]), "name": "acme", "roles": []}],
        "more_organizations": False,
        "token": {"name": "test", "expires_at": None, "scope": None, "maker_scopes": []},
    }


def test_me_of_an_owner_in_no_organization(acme: Acme) -> None:
    me = acme.client("olivia").get("/api/v2/users/me").json()
    assert me["roles"] == ["owner"]
    assert [each["roles"] for each in me["organizations"]] == [[], []]


def test_me_of_the_most_organizations_fits_a_lambda_response(
    acme: Acme, maya: Client, database: Database
) -> None:
    database.run(
        "INSERT INTO organizations (name)"
        " SELECT lpad(n::text, 4, '0') || repeat('\U0001f4b8', 251)"
        " FROM generate_series(1, %s) AS n",
        MAX_ORGANIZATIONS_OF_USER - 1,
    )
    database.run(
        "INSERT INTO organization_members (organization_id, user_id, roles)"
        " SELECT id, %s, %s FROM organizations WHERE name NOT IN ('acme', 'globex')",
        acme.users["maya"],
        list(ORGANIZATION_ROLES),
    )
    answer = maya.get("/api/v2/users/me")
    assert len(answer.json()["organizations"]) == MAX_ORGANIZATIONS_OF_USER
    assert answer.lambda_bytes < MAX_RESPONSE_BYTES


def names(client: Client, organization: object = "acme") -> list[str]:
    answer = client.get(f"/api/v2/organizations/{organization}/groups")
    assert answer.status == 200
    assert answer.json()["next"] is None
    return [each["name"] for each in answer.json()["groups"]]


def test_each_sees_the_groups_that_he_may_read(acme: Acme) -> None:
    everything = ["Everyone", "platform", "research"]
    assert {
        name: names(acme.client(name)) for name in ("olivia", "adam", "maya", "otto", "ana")
    } == {
        "olivia": everything,
        "adam": everything,
        "maya": ["Everyone", "platform"],
        "otto": ["Everyone"],
        "ana": everything,
    }


def test_an_organization_goes_by_name_and_by_id(acme: Acme, adam: Client) -> None:
    assert (
        names(adam, acme.organizations["acme"])
        == names(adam, str(acme.organizations["acme"]).upper())
        == names(adam)
    )


@pytest.mark.parametrize("organization", ["globex", "nowhere", "a%00b", "%F0%9F%92%B8", "ACME"])
def test_an_organization_that_is_not_mine_looks_like_none(adam: Client, organization: str) -> None:
    hidden = adam.get(f"/api/v2/organizations/{organization}/groups")
    assert hidden.status == 404
    assert hidden.json() == {
        "message": "Resource not found or you do not have access to this resource"
    }


def test_a_group_shows_its_budget(acme: Acme, adam: Client, maya: Client) -> None:
    path = f"/api/v2/groups/{acme.groups['acme/platform']}"
    shape = {
        "id": str(acme.groups["acme/platform"]),
        "name": "platform",
        "organization_id": str(acme.organizations["acme"]),
        "organization_name": "acme",
    }
    assert maya.get(path).json() == shape | {"budget": None}
    budget = adam.put(f"{path}/ai/budget", {"spend_limit_micros": 9}).json()
    assert maya.get(path).json() == shape | {"budget": budget}
    listed = maya.get("/api/v2/organizations/acme/groups").json()["groups"]
    assert [each["budget"] for each in listed] == [None, budget]


def test_a_deleted_organization_takes_its_groups_with_it(acme: Acme, database: Database) -> None:
    acme.client("adam").put(acme.budget_path(), {"spend_limit_micros": 1})
    database.run(
        "UPDATE organizations SET is_default = false, deleted_at = now() WHERE name = 'acme'"
    )
    for name in ("olivia", "adam", "maya"):
        client = acme.client(name)
        assert client.get(acme.budget_path()).status == 404
        assert client.put(acme.budget_path(), {"spend_limit_micros": 2}).status == 404
        assert client.delete(acme.budget_path()).status == 404
        assert client.get("/api/v2/organizations/acme/groups").status == 404
        seen = client.get("/api/v2/users/me").json()["organizations"]
        assert "acme" not in [each["name"] for each in seen]


def test_the_audit_log_names_the_actor_and_the_change(acme: Acme, adam: Client) -> None:
    path = acme.budget_path()
    request_ids = [
        adam.put(path, {"spend_limit_micros": 1}).headers["X-Request-Id"],
        acme.client("olivia").put(path, {"spend_limit_micros": 2}).headers["X-Request-Id"],
        adam.delete(path).headers["X-Request-Id"],
    ]
    page = adam.get(f"/api/v2/audit?group={acme.groups['acme/platform']}&limit=3").json()
    entries = [entry for entry in page["entries"] if entry["resource_type"] == "group_ai_budget"]
    assert [
        (e["action"], e["actor"]["username"], e["before"], e["after"], e["request_id"])
        for e in reversed(entries)
    ] == [
        ("create", "adam", None, {"spend_limit_micros": 1}, request_ids[0]),
        ("update", "olivia", {"spend_limit_micros": 1}, {"spend_limit_micros": 2}, request_ids[1]),
        ("delete", "adam", {"spend_limit_micros": 2}, None, request_ids[2]),
    ]
    assert entries[0]["group_id"] == entries[0]["resource_id"] == str(acme.groups["acme/platform"])
    assert entries[0]["organization_id"] == str(acme.organizations["acme"])


def test_the_audit_log_is_read_page_by_page(acme: Acme, adam: Client) -> None:
    for limit in range(5):
        adam.put(acme.budget_path(), {"spend_limit_micros": limit})
    query = "/api/v2/audit?user=me&limit=2"
    seen: list[int] = []
    page = adam.get(query).json()
    while True:
        seen += [
            entry["after"]["spend_limit_micros"]
            for entry in page["entries"]
            if entry["actor"]["username"] == "adam"
        ]
        if page["next"] is None:
            break
        page = adam.get(f"{query}&after={page['next']}").json()
    assert seen == [4, 3, 2, 1, 0]


def test_each_reads_the_audit_log_of_his_organizations_only(acme: Acme) -> None:
    acme.client("adam").put(acme.budget_path(), {"spend_limit_micros": 1})
    acme.client("gus").put(acme.budget_path("globex/sales"), {"spend_limit_micros": 2})

    def organizations(username: str) -> set[str | None]:
        page = acme.client(username).get("/api/v2/audit?limit=1000").json()
        return {entry["organization_id"] for entry in page["entries"]}

    ours, theirs = (str(acme.organizations[name]) for name in ("acme", "globex"))
    assert organizations("adam") == organizations("ana") == {ours}
    assert organizations("gus") == {theirs}
    assert organizations("olivia") == {ours, theirs, None}
    assert organizations("maya") == organizations("otto") == organizations("nora") == set()


def test_the_audit_log_is_filtered_by_user(acme: Acme) -> None:
    acme.client("adam").put(acme.budget_path(), {"spend_limit_micros": 1})
    olivia = acme.client("olivia")
    by_name = olivia.get("/api/v2/audit?user=adam").json()["entries"]
    by_id = olivia.get(f"/api/v2/audit?user={acme.users['adam']}").json()["entries"]
    assert by_name == by_id
    assert {entry["actor"]["username"] for entry in by_name} == {"adam", "directory-importer"}
    assert olivia.get("/api/v2/audit?user=nobody").json() == {"entries": [], "next": None}


def test_health_needs_no_credential_and_no_database() -> None:
    with environment():
        answer = Client().get("/healthz")
        assert (answer.status, answer.json()) == (200, {"status": "ok"})


def test_health_tries_the_database_when_asked(database: Database) -> None:
    assert Client().get("/healthz?database=1").json() == {"status": "ok"}
    with environment(DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing"):
        assert Client().get("/healthz").status == 200
        down = Client().get("/healthz?database=1")
        assert (down.status, down.json()) == (
            503,
            {"message": "The database is not available. Try again shortly."},
        )
        assert int(down.headers["Retry-After"]) > 0


def test_what_a_system_actor_did_is_found_by_its_name(acme: Acme) -> None:
    page = acme.client("olivia").get("/api/v2/audit?user=directory-importer").json()
    assert page["entries"]
    assert {entry["actor"]["username"] for entry in page["entries"]} == {"directory-importer"}
