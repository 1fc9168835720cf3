"""A token keeps the scopes of its makers beside its own, and all of them must allow."""

from typing import Any
from uuid import UUID

import pytest

from tests.gateway import Client
from tests.own_tokens import MINE, ask_token, make_token
from tests.people import Acme

ME = "/api/v2/users/me"


def may(resource_type: str, action: str = "*") -> dict[str, str]:
    return {"resource_type": resource_type, "action": action}


TOKENS = may("api_token")
EVERYTHING = {"site": [may("*")]}


def seen(client: Client, acme: Acme) -> list[int]:
    """The statuses of reading a group's budget, the audit log's page and the caller."""
    found = client.get("/api/v2/organizations/acme/groups")
    return [client.get(ME).status, found.status, client.get(MINE).status]


def test_a_token_has_no_more_than_its_own_scope(acme: Acme, adam: Client) -> None:
    scope = {"site": [may("group", "read"), may("user", "read"), TOKENS]}
    reader = make_token(adam, "reader", scope=scope)
    assert seen(reader, acme) == [200, 200, 200]
    assert reader.put(acme.budget_path(), {"spend_limit_micros": 1}).status == 404
    assert adam.put(acme.budget_path(), {"spend_limit_micros": 1}).status == 200


@pytest.mark.parametrize("wide", [None, EVERYTHING])
def test_a_wider_scope_does_not_widen_its_makers(
    acme: Acme, adam: Client, wide: dict[str, Any] | None
) -> None:
    narrow = make_token(adam, "narrow", scope={"site": [may("user", "read"), TOKENS]})
    child = make_token(narrow, "child", scope=wide)
    grandchild = make_token(child, "grandchild", scope=wide)
    for each in (narrow, child, grandchild):
        assert seen(each, acme) == [200, 404, 200]
    (listed,) = [each for each in adam.get(MINE).json()["tokens"] if each["name"] == "grandchild"]
    assert len(listed["maker_scopes"]) == (1 if wide is None else 2)
    assert listed["made_by"] == "child"
    assert grandchild.get(ME).json()["token"]["maker_scopes"] == listed["maker_scopes"]


def test_each_of_the_chain_narrows(acme: Acme, adam: Client) -> None:
    first = make_token(adam, "first", scope={"site": [may("user"), may("group"), TOKENS]})
    second = make_token(first, "second", scope={"site": [may("group"), may("audit_log"), TOKENS]})
    assert seen(first, acme) == [200, 200, 200]
    assert seen(second, acme) == [404, 200, 200]
    assert second.get("/api/v2/audit").json()["entries"] == []


def test_the_groups_on_a_makers_list_are_the_ones_to_see(acme: Acme, adam: Client) -> None:
    listed = [{"type": "group", "id": str(acme.groups["acme/research"]).upper()}]
    listed += [{"type": "api_token", "id": "*"}, {"type": "user", "id": "*"}]
    one = make_token(adam, "one", scope=EVERYTHING | {"allow_list": listed})
    child = make_token(one, "child")
    for client in (one, child):
        found = client.get("/api/v2/organizations/acme/groups").json()["groups"]
        assert [each["name"] for each in found] == ["research"]
        assert [each["name"] for each in client.get(ME).json()["organizations"]] == ["acme"]


def test_a_scope_without_tokens_makes_and_sees_none(adam: Client) -> None:
    other = make_token(adam, "other", scope={"site": [may("user", "read")]})
    assert other.get(MINE).status == 404
    assert ask_token(other, "more").status == 404
    reader = make_token(adam, "reader", scope={"site": [may("api_token", "read")]})
    assert reader.get(MINE).status == 200
    assert ask_token(reader, "more").status == 404
    assert reader.delete(f"{MINE}/other").status == 404
    assert other.get(ME).status == 200


def test_an_organization_is_named_or_given_by_id(acme: Acme, adam: Client) -> None:
    org = {"org": [may("group", "read")]}
    stored = {str(acme.organizations["acme"]): org}
    for place, key in enumerate(("acme", str(acme.organizations["acme"]).upper())):
        scope = {"user": [may("user", "read"), TOKENS], "by_org_id": {key: org}}
        client = make_token(adam, f"t{place}", scope=scope)
        assert seen(client, acme) == [200, 200, 200]
        assert client.get(ME).json()["token"]["scope"]["by_org_id"].keys() == stored.keys()


def test_what_a_scope_names_and_nobody_knows_is_refused(acme: Acme, adam: Client) -> None:
    own = str(acme.organizations["acme"])
    scope: dict[str, Any] = {
        "site": [may("group"), may("budget")],
        "user": [may("group", "write")],
        "x": 1,
    }
    found = ask_token(adam, "new", scope=scope).json()["validations"]
    assert {each["field"] for each in found} == {
        "scope.site[1].resource_type",
        "scope.user[0].action",
        "scope.x",
    }
    scope = {
        "by_org_id": {"acme": {}, own: {}, "globex": {}, str(UUID(int=7)): {}, "nowhere": {}},
        "allow_list": [{"type": "group", "id": "acme/platform"}, {"type": "*", "id": "*"}],
    }
    found = ask_token(adam, "new", scope=scope).json()["validations"]
    unknown = "Must be the id or the name of an organization of the user."
    assert {each["field"]: each["detail"] for each in found} == {
        f"scope.by_org_id.{own}": 'Is the same organization as "acme".',
        "scope.by_org_id.globex": unknown,
        f"scope.by_org_id.{UUID(int=7)}": unknown,
        "scope.by_org_id.nowhere": unknown,
        "scope.allow_list[0].id": "Must be a UUID, or * for all.",
    }


def test_a_scope_has_a_limited_size(adam: Client) -> None:
    (found,) = ask_token(adam, "new", scope={"site": [may("group")] * 400}).json()["validations"]
    assert found == {"field": "scope", "detail": "Must have at most 16384 bytes as JSON."}
