"""Which of several errors of a request wins, for every route of the list of routes."""

import json
import os
import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest

from allowance.contract.fields import Body
from allowance.contract.messages import JSON, MAX_MESSAGE_BYTES, Message
from allowance.http.request import Request
from allowance.http.routes import ROUTES
from tests.conftest import environment
from tests.directory_documents import apply
from tests.gateway import Answer, Client, routes
from tests.people import Acme
from tests.refusals import NOT_FOUND, UNAUTHENTICATED, without_request_id

GATED = {"message": "AI budgets are not enabled for this deployment."}
FORBIDDEN = {"message": "Forbidden."}
NOWHERE = UUID(int=7)

KINDS: dict[str, tuple[str | None, str]] = {
    "group": ("nora", "maya"),
    "organization": ("nora", "ana"),
    "user": ("otto", "maya"),
    "models": ("maya", "olivia"),
    "usage": ("adam", "olivia"),
    "caller": (None, "maya"),
}
"""What a route is about: a person who may not read it, and one who may.

The reader of a group, an organization or a user may not change it.
"""
LISTS_AND_ME = ("/api/v2/users/me", "/api/v2/audit", "/api/v2/organizations", "/api/v2/users")
SERVED = [each for each in ROUTES if "/api/" in each[1]]

WORST_BODY: dict[str, Any] = {
    "body": "x" * (MAX_MESSAGE_BYTES + 1),
    "headers": {"content-type": "text/plain"},
}


def kind_of(method: str, path: str) -> str:
    if path.endswith("/groups/{group}/ai/spend/series"):
        # A member of the group may not read what the others spend.
        return "organization"
    for kind in ("group", "organization", "user"):
        if f"{{{kind}}}" in path:
            return kind
    for part, kind in (
        ("model-", "models"),
        ("usage", "usage"),
        ("sources", "usage"),
        ("in/", "usage"),
    ):
        if f"/ai/{part}" in path:
            return kind
    if "/ai/reservations" in path:
        # Everybody may list: the caller's own, at least.
        return "caller" if method == "GET" else "usage"
    assert path in LISTS_AND_ME, "give the new route a kind"
    return "caller"


def body_of(method: str, path: str) -> type[Body] | None:
    route = routes()[method, path].app.routes[f"{method} {path}"]
    kinds = [each for each in route.parameters.values() if isinstance(each, type)]
    return next((each for each in kinds if issubclass(each, Body)), None)


def filled(path: str, acme: Acme, **segments: object) -> str:
    """The path with acme's names, but for the given segments."""
    names = {
        "group": acme.groups["acme/platform"],
        "organization": "acme",
        "user": "maya",
        "held": NOWHERE,
        "provider": "p",
        "model": "m",
        "source": "s",
        "budget": "all",
        "reservation": NOWHERE,
        "name": "laptop",
        "path": "v1/chat/completions",
    } | segments
    return re.sub(r"\{(\w+)\+?\}", lambda found: str(names[found[1]]), path)


@contextmanager
def gate_closed() -> Generator[None]:
    with environment(DATABASE_URL=os.environ["DATABASE_URL"], AI_BUDGETS_ENABLED="false"):
        yield


def seen(answer: Answer) -> tuple[int, object]:
    return answer.status, answer.json()


def message(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json()["message"]


@pytest.mark.parametrize(("method", "path"), SERVED, ids=map(" ".join, SERVED))
def test_the_first_error_of_the_contract_wins(people: Acme, method: str, path: str) -> None:
    stranger, reader = KINDS[kind_of(method, path)]
    real, worst = filled(path, people), filled(path, people) + "?nonsense=1"
    nobody, allowed = Client(), people.client(reader)
    with gate_closed():
        bad_id = filled(path, people, group="x", held="x") + "?nonsense=1"
        assert message(nobody.send(method, bad_id, **WORST_BODY)) == (401, UNAUTHENTICATED)
        # In an organization, "x" may be the name of a group.
        if "/v2/groups/{group}" in path or "{held}" in path:
            for each in filter(None, (stranger, reader)):
                refused = people.client(each).send(method, bad_id, **WORST_BODY)
                assert message(refused) == (400, 'Invalid UUID "x".')
        if stranger and kind_of(method, path) != "models":
            assert_hidden(people.client(stranger), people, method, path)
        if "/ai/" in path:
            for each in filter(None, (reader, stranger if "/ai/model-" in path else None)):
                refused = people.client(each).send(method, worst, **WORST_BODY)
                assert seen(refused) == (403, GATED)
    if "/ai/model-" in path:
        assert seen(people.client("maya").send(method, worst, **WORST_BODY)) == (403, FORBIDDEN)
    elif stranger:
        assert_hidden(people.client(stranger), people, method, path)
    if Request not in routes()[method, path].app.routes[f"{method} {path}"].parameters.values():
        assert message(allowed.send(method, worst, **WORST_BODY)) == (
            400,
            "Query parameters have invalid values.",
        )
    body = body_of(method, path)
    if body is not None:
        assert_body_is_read_in_order(allowed, method, real, body)
    if method in ("PUT", "DELETE") and kind_of(method, path) in ("group", "user"):
        group = str(people.groups["acme/platform"])
        valid = {"spend_limit_micros": 1, "group_id": group, "expires_at": None}
        sent = {name: valid[name] for name in body.model_fields} if body else None
        refused = allowed.send(method, real, body=json.dumps(sent) if sent else None)
        assert message(refused) == (404, NOT_FOUND["message"])


def assert_hidden(stranger: Client, acme: Acme, method: str, path: str) -> None:
    """What the caller may not read looks like what does not exist, whatever else is wrong."""
    nowhere = filled(path, acme, group=NOWHERE, organization="nowhere", user="nobody")
    answers = [
        stranger.send(method, each, **body)
        for each in (filled(path, acme), filled(path, acme) + "?nonsense=1", nowhere)
        for body in ({}, WORST_BODY)
    ]
    assert seen(answers[0]) == (404, NOT_FOUND)
    assert all(without_request_id(each) == without_request_id(answers[0]) for each in answers)


def assert_body_is_read_in_order(client: Client, method: str, path: str, body: type[Body]) -> None:
    text = {"content-type": "text/plain"}
    assert message(client.send(method, path, **WORST_BODY)) == (413, "Request body too large.")
    refused = client.send(method, path, body="{", headers=text)
    taken = " or ".join(body.media_types if issubclass(body, Message) else (JSON,))
    assert message(refused) == (415, f"Content-Type must be {taken}.")
    refused = client.send(method, path, body="{")
    assert message(refused) == (400, "Request body must be valid JSON.")
    above = {"spend_limit_micros": 10**12 + 1, "group_id": str(NOWHERE)}
    invalid = {name: above.get(name) for name in body.model_fields}
    refused = client.send(method, path, body=json.dumps(invalid | {"x": 1}))
    assert message(refused) == (400, "Validation failed.")
    if "spend_limit_micros" in invalid:
        refused = client.send(method, path, body=json.dumps(invalid))
        assert message(refused) == (400, "Invalid AI spend limit.")


@pytest.mark.parametrize("username", ["adam", "olivia"])
def test_a_token_with_an_empty_scope_finds_nothing(acme: Acme, username: str) -> None:
    """Not even the organizations of its user."""
    made = apply({"tokens": [{"username": username, "name": "none", "scope": {}}]})
    client = Client(made["tokens"][f"{username}/none"])
    for method, path in SERVED:
        if "/ai/model-" in path:
            assert seen(client.send(method, filled(path, acme))) == (403, FORBIDDEN)
        elif path == "/api/v2/audit":
            assert client.get(path).json() == {"entries": [], "next": None}
        elif path == "/api/v2/organizations":
            assert client.get(path).json() == []
        else:
            assert_hidden(client, acme, method, path)
