"""Budgets of acme for tests: paths, bodies, and audit entries."""

from typing import Any

from allowance.budgets.terms import BudgetTerms
from tests.gateway import Answer, Client
from tests.postgres import Database

BUDGETS = "/api/v2/organizations/acme/ai/budgets"


def body(name: str = "all", **terms: object) -> dict[str, Any]:
    """A budget of the whole organization per month, but for the given terms."""
    return {
        "name": name,
        "scope": {"type": "organization"},
        "per": "total",
        "limit_micros": 1000,
        "period": {"unit": "month"},
    } | terms


def budget_terms(name: str = "all", **terms: object) -> BudgetTerms:
    return BudgetTerms.model_validate(body(name, **terms))


def group(id_: object) -> dict[str, str]:
    return {"type": "group", "group_id": str(id_)}


def user(id_: object) -> dict[str, str]:
    return {"type": "user", "user_id": str(id_)}


def created(client: Client, name: str = "all", **terms: object) -> dict[str, Any]:
    """The budget that a POST creates."""
    answer = client.post(BUDGETS, body(name, **terms))
    assert answer.status == 201, answer.body
    return answer.json()


def fields(answer: Answer) -> tuple[int, list[str]]:
    """The status, and the fields that are wrong."""
    return answer.status, [each["field"] for each in answer.json().get("validations", [])]


def names(client: Client, query: str = "") -> list[str]:
    return [each["name"] for each in client.get(BUDGETS + query).json()["budgets"]]


def entries(database: Database) -> list[tuple[Any, ...]]:
    return database.rows(
        "SELECT actor_name, action, before, after, group_id, user_id FROM audit_log"
        " WHERE resource_type = 'organization_ai_budget' ORDER BY id"
    )


def figures(client: Client, name: str) -> tuple[int, int, int]:
    """What a budget of one total has spent, reserved and remaining."""
    answer = client.get(f"{BUDGETS}/{name}/spend")
    assert answer.status == 200, answer.body
    shown = answer.json()["total"]
    return shown["spent_micros"], shown["reserved_micros"], shown["remaining_micros"]
