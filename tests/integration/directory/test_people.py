"""The lists of users and members: what is in a row, and who may read which rows."""

from typing import Any
from urllib.parse import quote

from tests.directory_documents import apply, scoped
from tests.gateway import Answer, Client
from tests.people import Acme
from tests.postgres import Database
from tests.refusals import NOT_FOUND, without_request_id
from tests.spend import spend

ORGANIZATIONS = "/api/v2/organizations"
MEMBERS = f"{ORGANIZATIONS}/acme/members"
USERS = "/api/v2/users"
PLATFORM = f"{ORGANIZATIONS}/acme/groups/platform/members"
EVERYONE = f"{ORGANIZATIONS}/acme/groups/Everyone/members"
READ_USERS = {"resource_type": "user", "action": "read"}
READ_MEMBERS = {"resource_type": "group_member", "action": "read"}
READ_GROUPS = {"resource_type": "group", "action": "read"}


def usernames(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.body
    (rows,) = (rows for key, rows in answer.json().items() if key != "next")
    return [each["username"] for each in rows]


def of(username: str, answer: Answer) -> dict[str, Any]:
    (rows,) = (rows for key, rows in answer.json().items() if key != "next")
    (row,) = (each for each in rows if each["username"] == username)
    return row


def test_a_member_has_names_roles_budget_and_spend(
    acme: Acme, adam: Client, database: Database
) -> None:
    apply({"users": [{"username": "maya", "user_name": "Maya.K", "display_name": "Maya Klee"}]})
    adam.put(acme.budget_path(), {"spend_limit_micros": 5_000_000})
    spend(database, acme, "maya", "acme/platform", 1_000_000)
    spend(database, acme, "maya", "acme/Everyone", 500_000)
    row = of("maya", adam.get(MEMBERS))
    assert row.pop("joined_at").endswith("Z")
    assert row == {
        "id": str(acme.users["maya"]),
        "user_id": str(acme.users["maya"]),
        "username": "maya",
        "user_name": "Maya.K",
        "email": "maya@acme.example",
        "display_name": "Maya Klee",
        "name": "Maya Klee",
        "status": "active",
        "organization_id": str(acme.organizations["acme"]),
        "roles": [],
        "effective_budget": {"spend_limit_micros": 5_000_000, "limit_source": "group"},
        "effective_group_id": str(acme.groups["acme/platform"]),
        "current_spend_micros": 1_500_000,
    }
    assert of("maya", adam.get(PLATFORM)) == row | {
        "joined_at": of("maya", adam.get(PLATFORM))["joined_at"]
    }
    other = of("adam", adam.get(MEMBERS))
    assert (other["roles"], other["name"]) == (["organization-admin"], "")
    assert (other["display_name"], other["user_name"]) == (None, None)
    assert (other["effective_budget"], other["current_spend_micros"]) == (None, 0)


def test_a_user_has_names_roles_organizations_budget_and_spend(
    acme: Acme, maya: Client, database: Database
) -> None:
    spend(database, acme, "maya", "acme/platform", 7)
    row = maya.get(f"{USERS}/maya").json()
    assert row.pop("created_at") <= row.pop("updated_at")
    assert row == {
        "id": str(acme.users["maya"]),
        "username": "maya",
        "user_name": None,
        "email": "maya@acme.example",
        "display_name": None,
        "name": "",
        "status": "active",
        "roles": [],
        "organization_ids": [str(acme.organizations["acme"])],
        "effective_budget": None,
        "effective_group_id": str(acme.organizations["acme"]),
        "current_spend_micros": 7,
        "login_type": "token",
    }
    listed = of("maya", acme.client("olivia").get(USERS))
    assert {k: v for k, v in listed.items() if k not in ("created_at", "updated_at")} == row
    assert of("olivia", acme.client("olivia").get(USERS))["roles"] == ["owner"]


def test_who_joined_a_group_later_has_that_time(
    acme: Acme, adam: Client, database: Database
) -> None:
    database.run(
        "UPDATE organization_members SET joined_at = '2026-01-01Z' WHERE user_id = %s",
        acme.users["maya"],
    )
    assert of("maya", adam.get(MEMBERS))["joined_at"] == "2026-01-01T00:00:00.000000Z"
    assert of("maya", adam.get(EVERYONE))["joined_at"] == "2026-01-01T00:00:00.000000Z"
    assert of("maya", adam.get(PLATFORM))["joined_at"] > "2026-02-01"


def test_a_budget_of_another_organization_is_not_shown_there(
    acme: Acme, database: Database
) -> None:
    globex = {"name": "globex", "roles": ["organization-admin"], "groups": ["sales"]}
    apply({"users": [{"username": "gus", "organizations": [{"name": "acme"}, globex]}]})
    gus = acme.client("gus")
    gus.put(acme.budget_path("globex/sales"), {"spend_limit_micros": 9})
    spend(database, acme, "gus", "globex/sales", 4)
    spend(database, acme, "gus", "acme/Everyone", 2)
    here = of("gus", gus.get(f"{ORGANIZATIONS}/globex/members"))
    assert here["effective_group_id"] == str(acme.groups["globex/sales"])
    assert here["current_spend_micros"] == 6
    there = of("gus", acme.client("ana").get(MEMBERS))
    shown = ("effective_group_id", "effective_budget", "current_spend_micros")
    assert [there[each] for each in shown] == [None, None, None]


ALL_OF_ACME = ["adam", "ana", "maya", "otto"]
EVERYBODY = ["adam", "ana", "gus", "maya", "nora", "olivia", "otto"]
ROWS: dict[str, tuple[list[str] | None, list[str]]] = {
    "olivia": (ALL_OF_ACME, EVERYBODY),
    "adam": (ALL_OF_ACME, EVERYBODY),
    "ana": (ALL_OF_ACME, ["ana"]),
    "maya": (["maya"], ["maya"]),
    "gus": (None, EVERYBODY),
    "nora": (None, ["nora"]),
}
"""The members of acme, and the users, whom a caller may read. None: acme looks absent."""


def test_rows_are_those_that_the_caller_may_read(acme: Acme) -> None:
    for who, (members, users) in ROWS.items():
        client = acme.client(who)
        absent = without_request_id(client.get(f"{ORGANIZATIONS}/nowhere/members"))
        for path in (MEMBERS, EVERYONE, PLATFORM):
            if members is None:
                assert without_request_id(client.get(path)) == absent
            else:
                expected = ["maya"] if path == PLATFORM else members
                assert usernames(client.get(path)) == expected
        assert usernames(client.get(USERS)) == users
        for username in acme.users:
            one = client.get(f"{USERS}/{username}")
            assert one.status == 200 if username in users else without_request_id(one) == absent


def test_a_member_who_is_in_no_group_finds_none(acme: Acme) -> None:
    otto = acme.client("otto")
    assert otto.get(PLATFORM).json() == NOT_FOUND
    assert usernames(otto.get(EVERYONE)) == ["otto"]


def test_the_scope_of_a_token_limits_the_rows(acme: Acme) -> None:
    scope = {"site": [READ_USERS, READ_MEMBERS, READ_GROUPS]}
    otto = str(acme.users["otto"])
    named = [{"type": "user", "id": "maya"}, {"type": "group_member", "id": otto}]
    some = scoped("adam", scope | {"allow_list": [*named, {"type": "group", "id": "*"}]})
    assert usernames(some.get(USERS)) == ["maya"]
    assert usernames(some.get(MEMBERS)) == ["otto"]
    nothing = scoped("maya", {"site": [READ_GROUPS]})
    for path in (USERS, f"{USERS}/maya", MEMBERS, EVERYONE):
        assert nothing.get(path).json() == NOT_FOUND


def test_deleted_users_are_absent_and_suspended_ones_shown(acme: Acme, adam: Client) -> None:
    apply({"users": [{"username": "maya", "status": "suspended"}]})
    assert of("maya", adam.get(MEMBERS))["status"] == "suspended"
    assert adam.get(f"{USERS}/maya").json()["status"] == "suspended"
    apply({"users": [{"username": "maya", "status": "deleted"}]})
    for path in (MEMBERS, EVERYONE, USERS):
        assert "maya" not in usernames(adam.get(path))
    assert adam.get(f"{USERS}/maya").json() == NOT_FOUND


def test_a_user_shows_the_organizations_that_the_caller_sees(acme: Acme) -> None:
    gus = [str(acme.organizations["globex"])]
    assert acme.client("olivia").get(f"{USERS}/gus").json()["organization_ids"] == gus
    assert of("gus", acme.client("olivia").get(USERS))["organization_ids"] == gus
    assert acme.client("adam").get(f"{USERS}/gus").json()["organization_ids"] == []
    apply({"organizations": [{"name": "globex", "deleted": True}]})
    assert acme.client("olivia").get(f"{USERS}/gus").json()["organization_ids"] == []


FOUND = {
    "maya": ["maya"],
    "AYA": ["maya"],
    "klee": ["maya"],
    "a.K": ["maya"],
    "OTTO@": ["otto"],
    "a": ALL_OF_ACME,
    "%": ["ana"],
    "_": ["ana"],
    "\\": ["ana"],
    "a_a": [],
    "mayaMaya": [],
    "": ALL_OF_ACME,
}


def test_a_search_finds_a_part_of_each_name(acme: Acme, adam: Client) -> None:
    apply(
        {
            "users": [
                {"username": "maya", "user_name": "Maya.K", "display_name": "Maya Klee"},
                {"username": "ana", "display_name": "100%_\\"},
            ]
        }
    )
    for search, found in FOUND.items():
        query = f"?q={quote(search)}"
        assert usernames(adam.get(MEMBERS + query)) == found, search
        assert usernames(adam.get(PLATFORM + query)) == [each for each in found if each == "maya"]
        assert [u for u in usernames(adam.get(USERS + query)) if u in ALL_OF_ACME] == found


def test_pages_follow_each_other_without_a_gap(acme: Acme, adam: Client) -> None:
    groups = [{"name": "acme", "groups": ["platform"]}]
    apply({"users": [{"username": each, "organizations": groups} for each in ALL_OF_ACME[1:]]})
    for path in (MEMBERS, EVERYONE, PLATFORM, USERS):
        found, after = list[str](), ""
        while True:
            answer = adam.get(f"{path}?limit=2&q=a{after}")
            assert 1 <= len(usernames(answer)) <= 2
            found += usernames(answer)
            if (following := answer.json()["next"]) is None:
                break
            after = f"&after={following}"
        assert found == usernames(adam.get(f"{path}?q=a"))
        assert len(found) > 2


def test_a_bad_query_is_refused(adam: Client) -> None:
    for query in ("limit=0", "limit=201", "after=x", "q=%00", "q=a&q=b", "x=1"):
        for path in (MEMBERS, USERS, PLATFORM):
            answer = adam.get(f"{path}?{query}")
            assert answer.json()["message"] == "Query parameters have invalid values.", query
