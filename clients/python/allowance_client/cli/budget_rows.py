"""Budgets as rows of a table: what is the same of all kinds stands in the same column."""

from typing import Any

from allowance_client.cli.amounts import dollars
from allowance_client.cli.api import Api
from allowance_client.cli.scopes import scope_text
from allowance_client.cli.tables import figures, texts
from allowance_client.cli.times import shown

BUDGET_COLUMNS = [
    *texts("KIND", "NAME"),
    *figures("LIMIT"),
    *texts("PER", "PERIOD", "SCOPE", "MODELS", "ENFORCEMENT", "UNTIL"),
]


def group_row(name: str, budget: dict[str, Any]) -> list[str]:
    """The limit of each member of a group."""
    limit = dollars(budget["spend_limit_micros"])
    return ["group", name, limit, "member", "month", "", "*", "enforce", ""]


def user_row(name: str, limit_micros: int, until: str | None = None) -> list[str]:
    """The own limit of a user."""
    limit = dollars(limit_micros)
    return ["user", name, limit, "total", "month", "", "*", "enforce", shown(until)]


def budget_row(api: Api, budget: dict[str, Any]) -> list[str]:
    """A budget of the organization, with the names of its group or user."""
    period: dict[str, Any] = budget["period"]
    zone = "" if period["time_zone"] == "UTC" else f" {period['time_zone']}"
    return [
        "organization",
        budget["name"],
        dollars(budget["limit_micros"]),
        budget["per"],
        period["unit"] + zone,
        scope_text(budget["scope"], api.group_name, api.user_name),
        ", ".join(budget["models"]),
        budget["enforcement"],
        shown(budget["ends_at"]),
    ]
