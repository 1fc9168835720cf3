"""What the log keeps of an error, and what it never has."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import environment
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.refusals import NOWHERE


def test_an_unforeseen_error_is_a_bare_500_with_its_details_in_the_log(
    adam: Client, acme: Acme, database: Database, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    database.run("ALTER TABLE group_ai_budgets RENAME TO elsewhere")
    answer = adam.get(acme.budget_path())
    assert (answer.status, answer.json()) == (
        500,
        {"message": "An internal server error occurred."},
    )
    (unforeseen,) = [line for line in logged() if line["level"] == "ERROR"]
    assert unforeseen["request_id"] == answer.headers["X-Request-Id"]
    assert "UndefinedTable" in unforeseen["exception"]
    assert adam.token is not None
    assert adam.token.rpartition("_")[2] not in json.dumps(logged())


def test_the_log_keeps_the_difference_between_a_refusal_and_an_absence(
    acme: Acme, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    acme.client("otto").get(acme.budget_path())
    acme.client("otto").get(NOWHERE)
    assert [line["reason"] for line in logged()] == ["NotAuthorized", "GroupNotFound"]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://allowance_routes:hunter2%zz@127.0.0.1:1/x",
        "postgre://allowance_routes:hunter2@127.0.0.1:1/x",
        "hunter2 x",
        "postgresql://allowance_routes:hunter2@127.0.0.1:1/x",
    ],
)
def test_the_database_password_reaches_neither_the_client_nor_the_log(
    acme: Acme, logged: Callable[[], list[dict[str, Any]]], url: str
) -> None:
    with environment(DATABASE_URL=url):
        answer = acme.client("adam").get(acme.budget_path())
    assert answer.status in (500, 503)
    assert "hunter2" not in json.dumps([answer.headers, answer.body, logged()])


def test_a_503_has_its_cause_in_the_log(
    acme: Acme, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    with environment(DATABASE_URL="postgresql://nobody@127.0.0.1:1/x"):
        answer = acme.client("adam").get(acme.budget_path())
    (line,) = [line for line in logged() if line["message"] == "database"]
    assert line["request_id"] == answer.headers["X-Request-Id"]
    assert "OperationalError" in line["cause"]
