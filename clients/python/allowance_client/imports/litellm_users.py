"""LiteLLM's CSV for inviting users in bulk, as a directory document.

Shape: the template of LiteLLM's console, "Bulk Invite Users": user_email, user_role, teams,
max_budget, budget_duration, models; read in November 2026.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from allowance_client.imports.fields import Fields
from allowance_client.imports.files import ImportFile
from allowance_client.imports.problems import Findings

REQUIRED = ("user_email", "user_role")
KNOWN = frozenset({*REQUIRED, "teams", "max_budget", "budget_duration", "models"})

ROLES = frozenset(
    {
        "proxy_admin",
        "proxy_admin_viewer",
        "internal_user",
        "internal_user_viewer",
        "internal_user_view_only",
        "proxy_admin_view_only",
    }
)
MEMBERS = frozenset({"internal_user"})

USERNAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}", re.ASCII)
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
RESERVED = "Everyone"


@dataclass(slots=True)
class DirectoryPlan:
    """A directory document, the groups that must exist before it is imported, and what has no
    counterpart in it, by place.
    """

    document: dict[str, Any] = field(default_factory=dict[str, Any])
    groups: dict[str, None] = field(default_factory=dict[str, None])
    without_counterpart: dict[str, str] = field(default_factory=dict[str, str])


def read_litellm_users(
    file: ImportFile, organization: str, known: frozenset[str], findings: Findings
) -> DirectoryPlan:
    """Return the directory document of a file. Problems are in `findings`. Raise ImportRefused.

    `known` are the usernames and addresses of users who exist, in lower case. They are left out: an
    entry would take their other memberships away. The document names no groups of the
    organization, because a list of groups deletes every other one.
    """
    plan = DirectoryPlan()
    users: dict[str, dict[str, Any]] = {}
    for place, cells in file.table(REQUIRED):
        fields = Fields(cells, place, findings)
        fields.require_known(KNOWN)
        email = fields.name("user_email")
        if email and not EMAIL.fullmatch(email):
            fields.refuse("user_email", "must be an e-mail address")
        role = fields.word("user_role", ROLES)
        teams = [each.strip() for each in (fields.get("teams") or "").split(",") if each.strip()]
        if RESERVED in teams:
            fields.refuse("teams", "Everyone is the group of all members: leave it out")
        username = _username(email)
        if not USERNAME.fullmatch(username):
            fields.refuse("user_email", "has no part that can be a username")
        elif username in users:
            fields.refuse("user_email", f"the username {username} is there twice")
        if not fields.is_understood:
            continue
        if found := {username, email.lower()} & known:
            reason = f"a user {found.pop()} exists, and stays as it is"
            plan.without_counterpart[f"{place}, user_email"] = reason
            continue
        plan.groups.update(dict.fromkeys(teams))
        users[username] = {
            "username": username,
            "email": email,
            "organizations": [{"name": organization, "groups": teams}],
        }
        _name_the_rest(plan, fields, role, username)
    plan.document = {"users": list(users.values())}
    return plan


def _username(email: str) -> str:
    """Return the part before the @ in the form of a username."""
    local = email.partition("@")[0].lower()
    return re.sub(r"[^a-z0-9]+", "-", local).strip("-")[:64]


def _name_the_rest(plan: DirectoryPlan, fields: Fields, role: str | None, username: str) -> None:
    missing = plan.without_counterpart
    if role not in MEMBERS:
        missing[f"{fields.place}, user_role"] = (
            f"{role}: give {username} a role of Allowance yourself, if it needs one"
        )
    if (budget := fields.usd("max_budget")) is not None:
        duration = fields.get("budget_duration")
        per = f" for {duration}" if duration else ""
        missing[f"{fields.place}, max_budget"] = (
            f"US${budget}{per}: set an override of {username} after the import"
        )
    if fields.get("models") is not None:
        missing[f"{fields.place}, models"] = "models are allowed by the gateway"
