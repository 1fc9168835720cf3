"""Overrides for tests: a path, request bodies, responses and audit entries."""

from typing import Any

import import_directory
from tests.gateway import Answer, Client, Context
from tests.people import Acme
from tests.postgres import Database

NOT_FOUND = {"message": "Resource not found or you do not have access to this resource"}
NOT_A_MEMBER = {
    "message": "User is not a member of the referenced group.",
    "validations": [{"field": "group_id", "detail": "The user must be a member of this group."}],
}
MAYA = "/api/v2/users/maya/ai/budget/override"


def limit(acme: Acme, micros: int = 5, group: str = "acme/platform") -> dict[str, object]:
    return {"group_id": str(acme.groups[group]), "spend_limit_micros": micros}


def entries(database: Database) -> list[tuple[Any, ...]]:
    return database.rows(
        "SELECT actor_name, action, before, after, group_id, request_id FROM audit_log"
        " WHERE resource_type = 'user_ai_budget_override' ORDER BY id"
    )


def without_request_id(answer: Answer) -> tuple[int, dict[str, str], str]:
    return (
        answer.status,
        {k: v for k, v in answer.headers.items() if k != "X-Request-Id"},
        answer.body,
    )


def import_(document: dict[str, object]) -> None:
    import_directory.handler(document, Context())


def narrow(acme: Acme, *groups: str) -> Client:
    """The owner with a token for every user and these groups only."""
    allowed = [{"type": "user", "id": "*"}]
    allowed += [{"type": "group", "id": str(acme.groups[each])} for each in groups]
    scope = {"site": [{"resource_type": "*", "action": "*"}], "allow_list": allowed}
    imported = import_directory.handler(
        {"tokens": [{"username": "olivia", "name": "narrow", "scope": scope}]}, Context()
    )
    return Client(imported["tokens"]["olivia/narrow"])
