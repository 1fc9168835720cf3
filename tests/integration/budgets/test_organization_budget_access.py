"""Who may see and change which budget of an organization."""

from typing import Any

import pytest

from tests.gateway import Client
from tests.organization_budgets import BUDGETS, body, created, group, names, user
from tests.overrides import narrow
from tests.people import Acme
from tests.refusals import CHANGED_BY_ADMINS, NOT_FOUND


@pytest.fixture
def scopes(acme: Acme) -> dict[str, tuple[dict[str, Any], str]]:
    """A budget of each scope, by its name."""
    return {
        "group": (group(acme.groups["acme/platform"]), "member"),
        "label": ({"type": "label", "key": "k", "value": "v"}, "total"),
        "organization": ({"type": "organization"}, "member"),
        "user": (user(acme.users["maya"]), "total"),
    }


def test_a_budget_is_read_and_changed_like_what_it_is_about(
    acme: Acme, adam: Client, scopes: dict[str, tuple[dict[str, Any], str]]
) -> None:
    for name, (scope, per) in scopes.items():
        created(adam, name, scope=scope, per=per)
    readers = {
        "olivia": list(scopes),
        "adam": list(scopes),
        "ana": list(scopes),
        # A member of platform reads its budget, and her own.
        "maya": list(scopes),
        "otto": ["label", "organization"],
    }
    for reader, expected in readers.items():
        client = acme.client(reader)
        assert names(client) == expected, reader
        for name, (scope, per) in scopes.items():
            seen = 200 if name in expected else 404
            path = f"{BUDGETS}/{name}"
            assert client.get(path).status == client.get(f"{path}/spend").status == seen
            if reader not in ("olivia", "adam"):
                terms = body(name, scope=scope, per=per)
                for answer in (
                    client.put(path, terms),
                    client.delete(path),
                    client.post(BUDGETS, terms | {"name": "new"}),
                    # A budget that the caller may not read looks like none.
                    client.put(f"{BUDGETS}/none", terms),
                ):
                    assert (answer.status, answer.json()) == (404, CHANGED_BY_ADMINS)
    for stranger in ("gus", "nora"):
        client = acme.client(stranger)
        for answer in (
            client.get(BUDGETS),
            client.post(BUDGETS, body()),
            *(
                answer
                for name in scopes
                for path in [f"{BUDGETS}/{name}"]
                for answer in (client.get(path), client.put(path, body()), client.delete(path))
            ),
        ):
            assert (answer.status, answer.json()) == (404, NOT_FOUND)
    assert names(adam) == list(scopes)


def test_a_token_for_one_group_manages_its_budgets_and_its_members(
    acme: Acme, adam: Client, scopes: dict[str, tuple[dict[str, Any], str]]
) -> None:
    for name, (scope, per) in scopes.items():
        created(adam, name, scope=scope, per=per)
    client = narrow(acme, "acme/platform")
    assert names(client) == ["group"]
    allowed = {"group": 200, "user": 200, "label": 404, "organization": 404}
    for name, (scope, per) in scopes.items():
        terms = body(name, scope=scope, per=per)
        made = client.post(BUDGETS, terms | {"name": f"new {name}"})
        assert made.status == {200: 201}.get(allowed[name], 404), name
        assert client.put(f"{BUDGETS}/{name}", terms).status == allowed[name], name
    # Otto is in no group but Everyone.
    created(adam, "otto", scope=user(acme.users["otto"]))
    otto = body("otto", scope=user(acme.users["otto"]))
    assert client.put(f"{BUDGETS}/otto", otto).status == 404
    assert client.delete(f"{BUDGETS}/otto").status == 404
    assert client.post(BUDGETS, otto | {"name": "otto again"}).status == 404
    assert client.delete(f"{BUDGETS}/user").status == 204


def test_members_see_their_own_row_and_admins_each(acme: Acme, adam: Client) -> None:
    created(adam, per="member")

    def seen(username: str) -> list[str]:
        spend = acme.client(username).get(f"{BUDGETS}/all/spend").json()
        assert spend["total"] is None
        return sorted(each["user"]["username"] for each in spend["subjects"])

    assert seen("adam") == seen("ana") == ["adam", "ana", "maya", "otto"]
    assert seen("maya") == ["maya"]
    first = adam.get(f"{BUDGETS}/all/spend?limit=3").json()
    rest = adam.get(f"{BUDGETS}/all/spend?limit=3&after={first['next']}").json()
    assert (len(first["subjects"]), len(rest["subjects"]), rest["next"]) == (3, 1, None)
    ids = [each["user"]["id"] for each in first["subjects"] + rest["subjects"]]
    assert ids == sorted(str(acme.users[each]) for each in ("adam", "ana", "maya", "otto"))
