"""What a page in a browser may do: nothing, unless the deployment names its origin."""

from collections.abc import Generator

import pytest

from tests.conftest import environment
from tests.gateway import Answer, Client
from tests.people import Acme
from tests.postgres import Database

PAGE = "https://console.acme.example"


@pytest.fixture
def path(database: Database, acme: Acme) -> Generator[str]:
    with environment(DATABASE_URL=database.app_url, CORS_ORIGINS=f"https://other.example, {PAGE}"):
        yield acme.budget_path()


def preflight(path: str, origin: str) -> Answer:
    return Client().send(
        "OPTIONS", path, headers={"origin": origin, "access-control-request-method": "PUT"}
    )


def cors_headers(answer: Answer) -> set[str]:
    return {name for name in answer.headers if name.startswith("Access-Control-")}


def test_a_page_of_a_named_origin_may_read_responses_and_errors(acme: Acme, path: str) -> None:
    answer = preflight(path, PAGE)
    assert (answer.status, answer.body) == (204, "")
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert answer.headers["Access-Control-Allow-Methods"] == "DELETE, GET, PUT"
    assert "coder-session-token" in answer.headers["Access-Control-Allow-Headers"]
    for answer in (
        acme.client("adam").get(path, headers={"origin": PAGE}),
        Client().get(path, headers={"origin": PAGE}),
    ):
        assert answer.headers["Access-Control-Allow-Origin"] == PAGE
        assert "X-Request-Id" in answer.headers["Access-Control-Expose-Headers"]
        assert answer.headers["Vary"] == "Origin"
        assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin", ["https://evil.example", f"{PAGE}.evil.example", "null", "*", ""]
)
def test_a_page_of_another_origin_gets_no_cors_header(acme: Acme, path: str, origin: str) -> None:
    assert preflight(path, origin).status == 405
    assert not cors_headers(preflight(path, origin))
    assert not cors_headers(acme.client("adam").get(path, headers={"origin": origin}))


def test_options_without_a_question_of_a_browser_is_no_method_of_a_route(path: str) -> None:
    assert Client().send("OPTIONS", path, headers={"origin": PAGE}).status == 405
    assert preflight("/nowhere", PAGE).status == 404


def test_by_default_no_origin_is_allowed(acme: Acme) -> None:
    assert preflight(acme.budget_path(), PAGE).status == 405
    assert not cors_headers(acme.client("adam").get(acme.budget_path(), headers={"origin": PAGE}))
