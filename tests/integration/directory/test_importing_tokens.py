"""ImportDirectory and tokens: new ones, revoked ones, their expiry and their scope."""

from typing import Any

import pytest

from tests.directory_documents import apply, problems
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database


def test_a_token_is_revoked_and_stays_revoked(database: Database, acme: Acme) -> None:
    token = {"username": "maya", "name": "test"}
    assert apply({"tokens": [token | {"revoked": True}]})["tokens"] == {}
    assert acme.client("maya").get("/api/v2/users/me").status == 401
    assert apply({"tokens": [token]})["tokens"] == {}
    assert acme.client("maya").get("/api/v2/users/me").status == 401
    other = apply({"tokens": [token | {"name": "second"}]})["tokens"]["maya/second"]
    assert Client(other).get("/api/v2/users/me").status == 200


def test_a_token_expires(database: Database) -> None:
    past = apply(
        {"tokens": [{"username": "maya", "name": "p", "expires_at": "2020-01-01T00:00:00Z"}]}
    )["tokens"]
    assert Client(past["maya/p"]).get("/api/v2/users/me").status == 401
    later = apply(
        {"tokens": [{"username": "maya", "name": "l", "expires_at": "2099-01-01T01:00:00+01:00"}]}
    )["tokens"]
    me = Client(later["maya/l"]).get("/api/v2/users/me").json()
    assert me["token"]["expires_at"] == "2099-01-01T00:00:00.000000Z"


def scoped(scope: dict[str, Any], username: str = "adam") -> Client:
    return Client(
        apply({"tokens": [{"username": username, "name": "scoped", "scope": scope}]})["tokens"][
            f"{username}/scoped"
        ]
    )


READ_GROUPS = {"resource_type": "group", "action": "read"}


def test_a_scope_limits_a_token(acme: Acme, adam: Client) -> None:
    client = scoped({"site": [READ_GROUPS]})
    adam.put(acme.budget_path(), {"spend_limit_micros": 1})
    assert client.get(acme.budget_path()).status == 200
    assert client.put(acme.budget_path(), {"spend_limit_micros": 2}).status == 404
    assert client.get("/api/v2/users/me").status == 404
    assert client.get("/api/v2/audit").json() == {"entries": [], "next": None}


def test_an_allow_list_may_name_a_group_by_its_organization_and_name(
    acme: Acme, database: Database
) -> None:
    everything = {"resource_type": "*", "action": "*", "negate": False}
    client = scoped(
        {"site": [everything], "allow_list": [{"type": "group", "id": "acme/research"}]}, "olivia"
    )
    assert client.put(acme.budget_path("acme/research"), {"spend_limit_micros": 1}).status == 200
    assert client.put(acme.budget_path("acme/platform"), {"spend_limit_micros": 1}).status == 404
    ((stored,),) = database.rows("SELECT scope FROM api_tokens WHERE name = 'scoped'")
    assert stored["allow_list"] == [{"type": "group", "id": str(acme.groups["acme/research"])}]


def test_a_scope_may_name_an_organization_and_a_group_of_the_same_document(
    empty_database: Database,
) -> None:
    answer = apply(
        {
            "organizations": [{"name": "new", "groups": ["g"]}],
            "users": [
                {
                    "username": "u",
                    "organizations": [{"name": "new", "roles": ["organization-admin"]}],
                }
            ],
            "tokens": [
                {
                    "username": "u",
                    "name": "t",
                    "scope": {
                        "by_org_id": {"new": {"org": [{"resource_type": "group", "action": "*"}]}},
                        "allow_list": [
                            {"type": "group", "id": "new/g"},
                            {"type": "user", "id": "u"},
                        ],
                    },
                }
            ],
        }
    )
    client = Client(answer["tokens"]["u/t"])
    path = f"/api/v2/groups/{answer['groups']['new/g']}/ai/budget"
    assert client.put(path, {"spend_limit_micros": 1}).status == 200
    assert client.get(f"/api/v2/groups/{answer['groups']['new/Everyone']}").status == 404


@pytest.mark.parametrize(
    "never",
    [
        "9999-12-31T23:59:59-05:00",
        "20271122",
        "4102444800",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_a_time_that_is_not_one_is_refused_before_a_token_depends_on_it(
    database: Database, never: str
) -> None:
    (problem,) = problems({"tokens": [{"username": "maya", "name": "t", "expires_at": never}]})
    assert problem.startswith("tokens[0].expires_at: must be")


def test_the_last_second_of_time_is_an_expiry(database: Database) -> None:
    token = apply(
        {"tokens": [{"username": "maya", "name": "t", "expires_at": "9999-12-31T23:59:59Z"}]}
    )["tokens"]["maya/t"]
    assert (
        Client(token).get("/api/v2/users/me").json()["token"]["expires_at"]
        == "9999-12-31T23:59:59.000000Z"
    )


def test_a_scope_that_names_one_organization_twice_is_refused(
    database: Database, acme: Acme
) -> None:
    against = {"org": [READ_GROUPS | {"negate": True}]}
    both = {str(acme.organizations["acme"]): against, "acme": {"org": [READ_GROUPS]}}
    assert problems(
        {"tokens": [{"username": "maya", "name": "t", "scope": {"by_org_id": both}}]}
    ) == [
        "tokens[0].scope.by_org_id.acme: is the same organization as "
        f'"{acme.organizations["acme"]}"'
    ]
    nowhere = {"00000000-0000-0000-0000-000000000001": against}
    assert (
        "no organization"
        in problems(
            {"tokens": [{"username": "maya", "name": "t", "scope": {"by_org_id": nowhere}}]}
        )[0]
    )
    upper = {str(acme.organizations["acme"]).upper(): against}
    assert apply({"tokens": [{"username": "maya", "name": "t", "scope": {"by_org_id": upper}}]})[
        "tokens"
    ]


@pytest.mark.parametrize("name", ["a\x00", "\ud800", "acme/\x00"])
def test_a_scope_with_a_name_that_cannot_be_is_refused_by_its_path(
    database: Database, name: str
) -> None:
    scope = {"by_org_id": {name: {}}, "allow_list": [{"type": "user", "id": name}]}
    found = problems({"tokens": [{"username": "maya", "name": "t", "scope": scope}]})
    assert all(line.startswith("tokens[0].scope.") for line in found)
    assert len(found) == 2


def test_a_wrong_word_in_a_scope_is_one_problem_at_its_own_path(database: Database) -> None:
    scope = {
        "site": [{"resource_type": "nope", "action": "reed"}],
        "allow_list": [{"type": "*", "id": "x"}],
    }
    assert [
        line.partition(":")[0]
        for line in problems({"tokens": [{"username": "maya", "name": "t", "scope": scope}]})
    ] == [
        "tokens[0].scope.site[0].resource_type",
        "tokens[0].scope.site[0].action",
    ]
