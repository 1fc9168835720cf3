"""GET .../ai/spend/export: callers, parameters, and the cost of a request."""

from collections.abc import Callable
from uuid import UUID

import pytest

from tests.conftest import environment
from tests.exports import PATH
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.wire import wire

NOT_FOUND = {"message": "Resource not found or you do not have access to this resource"}
HOUR_AND_GROUP = (
    "WyIyMDI2LTExLTIwVDEwOjAwOjAwKzAwOjAwIiwiMDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAx"
)
"""The start of a FOCUS cursor. A provider with a NUL or a lone surrogate follows."""


@pytest.mark.parametrize("form", ["spend", "focus"])
@pytest.mark.parametrize(
    ("username", "status"),
    [
        ("olivia", 200),
        ("adam", 200),
        ("ana", 200),
        ("maya", 404),
        ("otto", 404),
        ("gus", 404),
        ("nora", 404),
    ],
)
def test_a_caller_who_may_read_all_spend_may_export_it(
    acme: Acme, database: Database, username: str, status: int, form: str
) -> None:
    """maya is in platform and in Everyone and reads both. gus administers another organization."""
    client = acme.client(username)
    answer = client.get(f"{PATH}?format={form}")
    assert answer.status == status
    if status == 404:
        for absent in ("nowhere", str(UUID(int=8))):
            assert client.get(PATH.replace("acme", absent)).json() == answer.json() == NOT_FOUND


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("month=2026-13", "month"),
        ("month=2026-1", "month"),
        ("month=1999-12", "month"),
        ("month=", "month"),
        ("format=csv", "format"),
        ("limit=0", "limit"),
        ("limit=5001", "limit"),
        ("after=x", "after"),
        ("after=!", "after"),
        ("after=WyIyMDI2LTExLTAxIl0", "after"),
        (f"format=focus&after={HOUR_AND_GROUP}IiwiXHUwMDAwIiwibSJd", "after"),
        (f"format=focus&after={HOUR_AND_GROUP}IiwiXHVkODAwIiwibSJd", "after"),
        ("day=1", "day"),
    ],
)
def test_a_bad_parameter_is_refused_by_its_name(ana: Client, query: str, field: str) -> None:
    answer = ana.get(f"{PATH}?{query}")
    assert (answer.status, answer.json()["message"]) == (
        400,
        "Query parameters have invalid values.",
    )
    assert [each["field"] for each in answer.json()["validations"]] == [field]


def test_a_cursor_of_one_format_is_refused_by_the_other(used: Client, ana: Client) -> None:
    link = ana.get(f"{PATH}?month=2026-11&limit=1").headers["Link"]
    assert (
        ana.get(PATH + link[1 : link.index(">")].replace("format=spend", "format=focus")).status
        == 400
    )


def test_the_gate_of_the_feature_covers_exports(acme: Acme, database: Database) -> None:
    with environment(DATABASE_URL=database.app_url, AI_BUDGETS_ENABLED="false"):
        assert acme.client("adam").get(PATH).status == 403


def test_an_export_costs_two_round_trips(used: Client, database: Database, acme: Acme) -> None:
    adam = acme.client("adam")
    with wire(database.app_url) as counted, environment(DATABASE_URL=counted.url):
        assert adam.get("/api/v2/users/me").status == 200
        for form in ("spend", "focus"):
            counted.reset()
            assert adam.get(f"{PATH}?format={form}").status == 200
            assert counted.trips == 2


def test_a_token_for_one_group_exports_nothing(acme: Acme, database: Database, ana: Client) -> None:
    """An allow-list names objects. The spend of an organization is none of them."""
    group = acme.groups["acme/platform"]
    database.run(
        "UPDATE api_tokens SET scope = jsonb_build_object('site', jsonb_build_array("
        "jsonb_build_object('resource_type', '*', 'action', '*', 'negate', false)),"
        " 'user', '[]'::jsonb, 'by_org_id', '{}'::jsonb,"
        " 'allow_list', jsonb_build_array(jsonb_build_object('type', 'group', 'id', %s::text)))"
        " WHERE user_id = %s",
        str(group),
        acme.users["adam"],
    )
    adam = acme.client("adam")
    assert adam.get(f"/api/v2/groups/{group}").status == 200
    for form in ("spend", "focus"):
        assert adam.get(f"{PATH}?format={form}").json() == NOT_FOUND


def test_a_page_in_a_browser_may_read_the_link(acme: Acme, database: Database) -> None:
    with environment(DATABASE_URL=database.app_url, CORS_ORIGINS="https://console.acme.example"):
        answer = acme.client("adam").get(PATH, headers={"origin": "https://console.acme.example"})
    assert {"Link", "Content-Disposition"} <= set(
        answer.headers["Access-Control-Expose-Headers"].split(", ")
    )


def test_an_export_logs_no_name(
    used: Client, ana: Client, logged: Callable[[], list[dict[str, object]]]
) -> None:
    assert ana.get(f"{PATH}?month=2026-11").status == 200
    (line,) = [each for each in logged() if each.get("message") == "request"]
    assert "maya" not in str(line)
