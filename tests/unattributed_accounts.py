"""The accounts of the stores of sources and of usage without a user, and what they need."""

from allowance.contract.preconditions import Precondition
from allowance.usage.attributor import UsageAttributor
from allowance.usage.sources import SourceSettings, UsageSourceStore
from allowance.usage.unattributed import Assignment, UnattributedQuery, UnattributedStore
from tests.accounting import Account
from tests.people import Acme
from tests.postgres import Database

UNKNOWN = ("kim", "lee", "pat")
"""The names of unknown users whose usage the accounts record."""


def leave_unattributed(database: Database, acme: Acme) -> None:
    """Leave usage of nobody: of a name to assign, of an assigned one, and of one that appeared."""
    database.run("UPDATE ai_usage_unattributed SET name = 'otto' WHERE name = 'lee'")
    database.run("UPDATE users SET created_at = '2026-01-01' WHERE username = 'otto'")
    database.run(
        "INSERT INTO ai_usage_assignments (source, name, user_id) VALUES ('s', 'pat', %s)",
        acme.users["maya"],
    )


UNATTRIBUTED_ACCOUNTS: dict[tuple[type, str], Account] = {
    (UsageSourceStore, "get_source"): Account(["read ai_usage"], lambda s, _: s.get_source("s")),
    (UsageSourceStore, "set_source"): Account(
        ["update ai_usage"],
        lambda s, _: s.set_source("s", SourceSettings(cost_from="record"), Precondition()),
    ),
    (UnattributedStore, "list_unattributed"): Account(
        ["read ai_usage"], lambda s, _: s.list_unattributed(UnattributedQuery())
    ),
    (UnattributedStore, "assign"): Account(
        ["update ai_usage"],
        lambda s, _: s.assign(Assignment(source="s", name="kim", user="maya")),
    ),
    (UsageAttributor, "attribute_usage"): Account(
        ["update ai_usage"], lambda s, _: s.attribute_usage()
    ),
}
