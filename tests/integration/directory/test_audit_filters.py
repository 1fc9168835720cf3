"""The filters of the audit log by kind and by time."""

import re

from allowance.audit.models import ACTIONS, CHANGED_TYPES
from allowance.database.queries import LAYER
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database

AUDIT = "/api/v2/audit"


def found(client: Client, query: str) -> list[tuple[str, str]]:
    answer = client.get(f"{AUDIT}?{query}")
    assert answer.status == 200, answer.body
    return [(each["resource_type"], each["action"]) for each in answer.json()["entries"]]


def test_entries_are_listed_by_kind_and_time(database: Database, acme: Acme, adam: Client) -> None:
    for limit in (1, 2):
        adam.put(acme.budget_path(), {"spend_limit_micros": limit})
    adam.delete(acme.budget_path())
    budget = "group_ai_budget"
    assert found(adam, f"resource_type={budget}") == [
        (budget, "delete"),
        (budget, "update"),
        (budget, "create"),
    ]
    assert found(adam, "action=delete") == [(budget, "delete")]
    assert found(adam, f"resource_type={budget}&action=update&user=me") == [(budget, "update")]
    assert found(adam, "resource_type=api_token") == []
    assert {each[0] for each in found(acme.client("olivia"), "action=create")} >= {
        "api_token",
        "organization",
        "user",
        budget,
    }
    entries = adam.get(f"{AUDIT}?limit=3").json()["entries"]
    last, middle, first = (each["created_at"] for each in entries)
    assert found(adam, f"from={middle}") == [(budget, "delete"), (budget, "update")]
    assert found(adam, f"from={first}&to={last}&user=me") == [
        (budget, "update"),
        (budget, "create"),
    ]
    assert found(adam, f"to={first}&resource_type={budget}") == []


def test_a_cursor_goes_on_with_the_same_filters(acme: Acme, adam: Client) -> None:
    for limit in range(5):
        adam.put(acme.budget_path(), {"spend_limit_micros": limit})
    query = "resource_type=group_ai_budget&from=2026-01-01T00:00:00Z&limit=2"
    seen: list[int] = []
    after = ""
    while after is not None:
        page = adam.get(f"{AUDIT}?{query}" + (f"&after={after}" if after else "")).json()
        seen += [each["after"]["spend_limit_micros"] for each in page["entries"]]
        after = page["next"]
    assert seen == [4, 3, 2, 1, 0]


REFUSED = (
    ("action=drop", "action", "'create', 'update' or 'delete'"),
    ("resource_type=budget", "resource_type", "'group_ai_budget'"),
    ("from=2026-11-01", "from", "a time with"),
    ("to=yesterday", "to", "a time with"),
    ("from=2026-11-02T00:00:00Z&to=2026-11-02T01:00:00%2B01:00", "to", "later than"),
    ("since=2026-11-02T00:00:00Z", "since", ""),
)


def test_unknown_values_are_refused_by_field(adam: Client) -> None:
    for query, field, detail in REFUSED:
        answer = adam.get(f"{AUDIT}?{query}")
        assert answer.status == 400
        (problem,) = answer.json()["validations"]
        assert problem["field"] == field
        assert detail in problem["detail"]


def test_every_type_that_a_statement_writes_is_a_filter() -> None:
    texts = "".join(
        path.read_text()
        for root in (LAYER, LAYER.parents[2] / "migrations")
        for path in root.rglob("*.sql")
    )
    written = set(re.findall(r"'(\w+)' AS resource_type", texts))
    assert written <= set(CHANGED_TYPES)
    # The parts of the directory, and the entries that triggers write.
    matched_by = {"name", "external_id", "renamed_from"}
    directory = {*re.findall(r"SELECT\s+'(\w+)', \w+\.", texts)} - matched_by
    triggers = set(re.findall(r"'(?:create|update|delete)',\s+'(\w+)'", texts)) - {*ACTIONS}
    assert {"group", "user", "api_token"} <= directory <= set(CHANGED_TYPES)
    assert {"user_ai_budget_override"} <= triggers <= set(CHANGED_TYPES)
    assert {each for each in CHANGED_TYPES if f"'{each}'" not in texts} == set()
