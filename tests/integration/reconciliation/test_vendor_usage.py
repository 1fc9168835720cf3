"""Reports of vendors: what is stored, what becomes of each row, and who may store it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from allowance.reconciliation.models import VendorUsageReport
from allowance.reconciliation.store import VendorUsageStore
from tests.gateway import Client
from tests.organization_budgets import fields
from tests.people import Acme
from tests.postgres import Database
from tests.reconciliation import PATH, REPORTS, line, post, row, statuses
from tests.refusals import NOT_FOUND
from tests.sessions import at_once, store_of

ENTRIES = (
    "SELECT actor_name, action, resource_id, before, after FROM audit_log"
    " WHERE resource_type = 'ai_vendor_usage' AND organization_id IS NOT NULL ORDER BY id"
)


def test_reports_fill_their_columns_and_wipe_no_other(olivia: Client) -> None:
    usage = row(tokens={"input": 10, "cache_read": 5}, requests=3)
    cost = row(cost_usd="0.000000000001")
    assert statuses(olivia, usage) == ["created"]
    assert statuses(olivia, cost, row(None, cost_micros=7)) == ["replaced", "created"]
    counts = line(olivia, query="?day=2026-11-10")["counted"]
    assert counts == {
        "tokens": {"input": 10, "cache_read": 5},
        "total_tokens": 15,
        "requests": 3,
        "cost_micros": 0,
    }
    assert statuses(olivia, row(cost_micros=9)) == ["replaced"]
    assert line(olivia, query="?day=2026-11-10")["counted"] == counts | {"cost_micros": 9}


def test_the_same_again_changes_nothing_and_null_takes_back(
    olivia: Client, database: Database
) -> None:
    rows = [row(tokens={"input": 10}, requests=3), row("gpt-4o", cost_micros=5)]
    assert statuses(olivia, *rows) == ["created", "created"]
    entries = database.rows(ENTRIES)
    assert statuses(olivia, *rows) == ["unchanged", "unchanged"]
    assert database.rows(ENTRIES) == entries
    # Names compare in any case, accounts do not.
    other = row("GPT-4o", vendor="OpenAI", cost_usd="0.000006")
    assert statuses(olivia, other, other | {"account": "a"}) == ["replaced", "created"]
    assert statuses(olivia, row(tokens=None), row("gpt-4o", cost_usd=None)) == [
        "replaced",
        "removed",
    ]
    assert statuses(olivia, row(requests=None), row("o3", requests=None)) == [
        "removed",
        "unchanged",
    ]
    assert database.rows("SELECT account, model, cost_micros FROM ai_vendor_usage") == [
        ("a", "gpt-4o", 6)
    ]


def test_a_report_is_stored_all_or_none_with_a_problem_for_each_field(
    olivia: Client, database: Database
) -> None:
    bad = [
        row(requests=1),
        row(cost_micros=1),
        row(day=f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}", requests=1),
        row(vendor="OPENAI", requests=2),
    ]
    assert fields(post(olivia, *bad)) == (400, ["rows[1]", "rows[2].day", "rows[3]"])
    assert fields(post(olivia, row(requests=1), row("b", requests="x"))) == (
        400,
        ["rows[1].requests"],
    )
    assert fields(olivia.post(REPORTS, {"rows": []})) == (400, ["rows"])
    many = [row(str(each), requests=1) for each in range(1001)]
    assert fields(post(olivia, *many)) == (400, ["rows"])
    assert database.rows("SELECT count(*) FROM ai_vendor_usage") == [(0,)]
    assert statuses(olivia, *many[1:]) == ["created"] * 1000


def test_the_audit_log_says_who_which_vendor_and_which_days(
    olivia: Client, database: Database
) -> None:
    first = [row(tokens={"input": 10}, cost_usd="1.5"), row("b", "2026-11-12", requests=4)]
    statuses(olivia, *first, row(vendor="bedrock", requests=1))
    statuses(olivia, row(tokens={"input": 12}), row("b", "2026-11-12", requests=4))
    statuses(olivia, row(tokens=None, cost_micros=None))
    days = {"first_day": "2026-11-10", "last_day": "2026-11-10"}
    small = {"vendor": "openai", "rows": 1, "requests": None, "cost_usd": "1.5"} | days
    assert database.rows(ENTRIES) == [
        ("olivia", "create", "bedrock", None,
         {"vendor": "bedrock", "rows": 1, "requests": 1, "tokens": None, "cost_usd": None} | days),
        ("olivia", "create", "openai", None,
         {"vendor": "openai", "rows": 2, "requests": 4, "tokens": 10, "cost_usd": "1.5",
          "first_day": "2026-11-10", "last_day": "2026-11-12"}),
        ("olivia", "update", "openai", small | {"tokens": 10}, small | {"tokens": 12}),
        ("olivia", "delete", "openai", small | {"tokens": 12}, None),
    ]  # fmt: skip


@pytest.mark.parametrize("username", ["adam", "ana", "maya", "gus", "nora"])
def test_only_owners_store_reports_and_a_refusal_looks_like_an_absence(
    acme: Acme, database: Database, username: str
) -> None:
    database.run("UPDATE users SET roles = '{gateway}' WHERE username = 'nora'")
    client = acme.client(username)
    for path in (REPORTS, REPORTS.replace("acme", "nowhere")):
        answer = client.post(path, {"rows": [row(requests=1)]})
        assert (answer.status, answer.json()) == (404, NOT_FOUND), path
    assert database.rows("SELECT count(*) FROM ai_vendor_usage") == [(0,)]


def test_reports_end_with_their_organization(
    olivia: Client, adam: Client, database: Database, acme: Acme
) -> None:
    statuses(olivia, row(requests=1))
    globex = olivia.get(PATH.replace("acme", "globex") + "?month=2026-11").json()
    assert globex["lines"] == []
    database.run(
        "UPDATE organizations SET is_default = false, deleted_at = now() WHERE name = 'acme'"
    )
    for client in (olivia, adam):
        assert client.get(PATH).json() == NOT_FOUND
        assert post(client, row(requests=1)).json() == NOT_FOUND
    database.run("DELETE FROM organizations WHERE id = %s", acme.organizations["acme"])
    assert database.rows("SELECT count(*) FROM ai_vendor_usage") == [(0,)]


def test_two_reports_of_the_same_rows_at_once_are_one_after_the_other(
    acme: Acme, olivia: Client, database: Database
) -> None:
    days = [f"2026-11-{day:02}" for day in range(1, 21)]
    usage = [row(day=day, requests=1) for day in days]
    cost = [row(day=day, cost_micros=2) for day in reversed(days)]
    found: list[list[str]] = []

    def store(rows: list[dict[str, Any]]) -> int:
        token = acme.tokens["olivia/test"]
        with store_of(VendorUsageStore, database, token, organization="acme") as store:
            report = VendorUsageReport.model_validate({"rows": rows})
            found.append([each.status for each in store.store(report).results])
        return 0

    at_once(*(lambda rows=rows: store(rows) for rows in (usage, cost, usage, cost)))
    every = [each for one in found for each in one]
    assert {each: every.count(each) for each in set(every)} == {
        "created": 20,
        "replaced": 20,
        "unchanged": 40,
    }
    assert all(len(set(each)) == 1 for each in found)
    counts = line(olivia, query="?day=2026-11-20")["counted"]
    assert (counts["requests"], counts["cost_micros"]) == (1, 2)
