"""The database of the accounts."""

import pytest

from allowance.usage.store import UsageStore
from tests.accounting import HELD, needed
from tests.accounts import ACCOUNTS
from tests.alerts import raise_alert
from tests.budget_accounts import budget_something
from tests.people import Acme
from tests.postgres import Database
from tests.reservation_accounts import hold_something
from tests.stores import store_for
from tests.subjects import exactly
from tests.unattributed_accounts import leave_unattributed


@pytest.fixture
def something_of_each(database: Database, acme: Acme) -> Database:
    """A database in which every method finds something to do."""
    for statement in (
        "INSERT INTO group_ai_budgets SELECT id, 1 FROM groups",
        "INSERT INTO ai_model_price_versions (provider, model, source, effective_from, "
        "input_price, named, origin)"
        " VALUES ('p', 'priced', 'custom', '-infinity', 1, '{input_price}', 'test')",
        "INSERT INTO ai_model_aliases (provider, model, free, created_at, updated_at)"
        " VALUES ('p', 'aliased', true, now(), now())",
        "INSERT INTO ai_model_aliases (provider, model, target_provider, target_model, free,"
        " created_at, updated_at) VALUES ('p', 'm*', 'p', 'priced', false, now(), now())",
        "INSERT INTO ai_model_price_changes_held (id, provider, model, proposed, reasons, origin)"
        f" VALUES ('{HELD}', 'p', 'm', '{{\"input_price\": 1}}', '{{}}', 'test')",
    ):
        database.run(statement)
    database.run(
        "INSERT INTO user_ai_budget_overrides (user_id, group_id, organization_id, "
        "spend_limit_micros)"
        " SELECT %s, id, organization_id, 1 FROM groups WHERE id = %s",
        acme.users["maya"],
        acme.groups["acme/platform"],
    )
    raise_alert(database, acme)
    # A usage without a price, which RerateUsage reads and rates.
    usage = UsageStore, "record"
    account = ACCOUNTS[usage]
    store, connection = store_for(
        usage, account, exactly([needed("create ai_usage", acme)]), database, acme
    )
    account.run(store, acme)
    connection.close()
    database.run(
        "INSERT INTO ai_model_price_versions (provider, model, source, effective_from, "
        "input_price, origin)"
        " VALUES ('p', 'm', 'default', '-infinity', 1000000, 'test')"
    )
    leave_unattributed(database, acme)
    budget_something(database)
    hold_something(database, acme.users["maya"])
    return database
