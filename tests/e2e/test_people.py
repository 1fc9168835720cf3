"""The demo directory's five people, over HTTP."""

import json
import time
from collections.abc import Generator
from typing import Any

import httpx
import psycopg
import pytest

from tests.e2e.conftest import Person
from tests.e2e.stack import lambda_client

NOT_FOUND = {"message": "Resource not found or you do not have access to this resource"}


@pytest.fixture
def path(stack: dict[str, Any], people: dict[str, Person]) -> Generator[str]:
    path = f"/api/v2/groups/{stack['groups']['acme/platform']}/ai/budget"
    yield path
    people["olivia"].delete(path)


def test_the_five_people_of_the_demo(stack: dict[str, Any]) -> None:
    assert (
        stack["tokens"].keys() == stack["users"].keys() == {"olivia", "adam", "maya", "otto", "ana"}
    )
    assert stack["groups"].keys() == {"acme/Everyone", "acme/platform", "acme/research"}
    assert stack["groups"]["acme/Everyone"] == stack["organizations"]["acme"]


@pytest.mark.parametrize("username", ["olivia", "adam", "maya", "otto", "ana"])
def test_each_person_may_do_what_the_table_says(
    people: dict[str, Person], path: str, username: str
) -> None:
    may = {
        "olivia": (True, True),
        "adam": (True, True),
        "maya": (True, False),
        "ana": (True, False),
    }
    read, update = may.get(username, (False, False))
    person, admin = people[username], people["adam"]
    assert person.get("/api/v2/users/me").json()["username"] == username
    put = person.put(path, json={"spend_limit_micros": 1_000_000})
    assert put.status_code == (200 if update else 404)
    assert update or put.json()["message"] == NOT_FOUND["message"]
    # Only a reader learns which roles may.
    assert ("detail" in put.json()) == (read and not update)
    admin.put(path, json={"spend_limit_micros": 2_000_000})
    got = person.get(path)
    assert (got.status_code, got.json().get("spend_limit_micros")) == (
        (200, 2_000_000) if read else (404, None)
    )
    assert person.delete(path).status_code == (204 if update else 404)
    assert admin.get(path).status_code == (404 if update else 200)


def test_a_refusal_has_the_bytes_and_headers_of_an_absence(
    people: dict[str, Person], path: str
) -> None:
    people["adam"].put(path, json={"spend_limit_micros": 1})
    refused = people["otto"].get(path)
    absent = people["otto"].get("/api/v2/groups/00000000-0000-4000-8000-000000000000/ai/budget")
    assert refused.content == absent.content
    differing = {"x-request-id", "date"}
    assert {k: v for k, v in refused.headers.items() if k not in differing} == {
        k: v for k, v in absent.headers.items() if k not in differing
    }


def test_the_session_token_header_works_as_well(stack: dict[str, Any]) -> None:
    with httpx.Client(
        base_url=stack["api_url"],
        headers={"Coder-Session-Token": stack["tokens"]["maya"]},
        timeout=60,
    ) as client:
        assert client.get("/api/v2/users/me").json()["username"] == "maya"


def test_without_a_credential_there_is_health_and_documentation(
    stack: dict[str, Any], path: str
) -> None:
    with httpx.Client(base_url=stack["api_url"], timeout=60) as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        assert client.get("/healthz?database=1").json() == {"status": "ok"}
        assert client.get(path).status_code == 401
        assert client.get("/api/v2/nowhere").json() == {"message": "Route not found."}
        shown = client.get("/", follow_redirects=True)
        assert (shown.status_code, shown.url.path) == (200, "/docs")
        assert client.get("/docs/openapi.json").json()["openapi"] == "3.1.0"


def test_unknown_methods_and_paths_get_the_contracts_responses(
    people: dict[str, Person], path: str
) -> None:
    for method in ("POST", "PATCH", "OPTIONS"):
        answer = people["adam"].request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET, PUT"), method
    assert people["adam"].get(f"{path}/").status_code == 404


def test_errors_carry_the_contracts_headers_over_http(people: dict[str, Person], path: str) -> None:
    answer = people["adam"].put(path, content=b"{")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-request-id"]


def test_a_body_of_two_mebibytes_is_too_large(people: dict[str, Person], path: str) -> None:
    answer = people["adam"].put(path, content=b"x" * (2 << 20))
    assert (answer.status_code, answer.json()["message"]) == (413, "Request body too large.")


def test_etags_protect_over_http(people: dict[str, Person], path: str) -> None:
    adam = people["adam"]
    tag = adam.put(path, json={"spend_limit_micros": 1}).headers["etag"]
    assert (
        adam.put(path, json={"spend_limit_micros": 2}, headers={"If-Match": tag}).status_code == 200
    )
    assert (
        adam.put(path, json={"spend_limit_micros": 3}, headers={"If-Match": tag}).status_code == 412
    )
    assert (
        adam.put(path, json={"spend_limit_micros": 3}, headers={"If-None-Match": "*"}).status_code
        == 412
    )


def test_a_person_finds_an_id_and_sees_who_changed_what(
    stack: dict[str, Any], people: dict[str, Person], path: str
) -> None:
    adam = people["adam"]
    groups = {
        each["name"]: each["id"]
        for each in adam.get("/api/v2/organizations/acme/groups").json()["groups"]
    }
    assert groups["platform"] == stack["groups"]["acme/platform"]
    changed = adam.put(path, json={"spend_limit_micros": 5}).headers["x-request-id"]
    assert changed != adam.get(path).headers["x-request-id"]
    (entry,) = adam.get(f"/api/v2/audit?group={groups['platform']}&limit=1").json()["entries"]
    assert (entry["actor"]["username"], entry["request_id"]) == ("adam", changed)
    assert people["maya"].get("/api/v2/audit").json()["entries"] == []


def test_boto3_invokes_functions(stack: dict[str, Any]) -> None:
    client = lambda_client(stack)
    seeded = json.loads(client.invoke(FunctionName="SeedPrices", Payload=b"{}")["Payload"].read())
    assert seeded["unchanged"] > 1000
    assert (seeded["inserted"], seeded["updated"]) == (0, 0)
    with psycopg.connect(stack["database_url"]) as owner:
        seeded_versions = owner.execute(
            "SELECT count(*) FROM ai_model_price_versions WHERE source = 'default'"
        )
        assert seeded_versions.fetchone() == (seeded["unchanged"],)
    bad = client.invoke(
        FunctionName="SeedPrices",
        Payload=b'{"prices": [{"provider": "p", "model": "m", "input_price": -1}]}',
    )
    error = json.loads(bad["Payload"].read())
    assert (error["errorType"], error["errorMessage"]) == (
        "ValidationFailed",
        "prices[0].input_price: must not be negative",
    )
    assert json.loads(client.invoke(FunctionName="Migrate", Payload=b"{}")["Payload"].read()) == {
        "applied": []
    }


def test_alert_delivery_without_a_receiver_sends_nothing(stack: dict[str, Any]) -> None:
    answer = lambda_client(stack).invoke(FunctionName="DeliverAlerts", Payload=b"{}")
    outcome = json.loads(answer["Payload"].read())
    assert (outcome["receivers"], outcome["delivered"], outcome["failed"]) == ([], 0, 0)


def test_a_token_minted_by_an_operator_works_and_can_be_revoked(stack: dict[str, Any]) -> None:
    client, name = lambda_client(stack), f"e2e-{time.time_ns()}"
    token = {"username": "maya", "name": name}
    made = json.loads(
        client.invoke(FunctionName="ImportDirectory", Payload=json.dumps({"tokens": [token]}))[
            "Payload"
        ].read()
    )
    with httpx.Client(
        base_url=stack["api_url"],
        headers={"Authorization": f"bearer {made['tokens'][f'maya/{name}']}"},
        timeout=60,
    ) as client_of_maya:
        assert client_of_maya.get("/api/v2/users/me").json()["token"]["name"] == name
        client.invoke(
            FunctionName="ImportDirectory",
            Payload=json.dumps({"tokens": [token | {"revoked": True}]}),
        )
        assert client_of_maya.get("/api/v2/users/me").status_code == 401
