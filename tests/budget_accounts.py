"""The accounts of the stores of an organization's budgets, and the budgets that they need."""

from allowance.budgets.organization import OrganizationBudgetStore
from allowance.budgets.organization_changes import BudgetChangeStore
from allowance.budgets.organization_models import BudgetQuery, SpendQuery
from allowance.contract.preconditions import Precondition
from tests.accounting import Account
from tests.organization_budgets import budget_terms
from tests.postgres import Database


def budget_something(database: Database) -> None:
    """Create the budgets that the accounts change and end."""
    database.run(
        "INSERT INTO ai_budgets (organization_id, name, scope, per, models, limit_micros,"
        " period_unit, time_zone, week_starts, year_starts, enforcement, thresholds,"
        " rollover_micros)"
        " SELECT id, each, 'organization', 'total', '{*}', 1, 'month', 'UTC', 1, 1, 'warn', '{}', 0"
        " FROM organizations CROSS JOIN unnest('{changed,ended}'::text[]) AS each"
    )


BUDGET_ACCOUNTS: dict[tuple[type, str], Account] = {
    (OrganizationBudgetStore, "list_budgets"): Account(
        ["read group Everyone"], lambda s, _: s.list_budgets(BudgetQuery())
    ),
    (OrganizationBudgetStore, "get"): Account(
        ["read group Everyone"], lambda s, _: s.get("changed")
    ),
    (OrganizationBudgetStore, "get_spend"): Account(
        ["read group Everyone"], lambda s, _: s.get_spend("changed", SpendQuery())
    ),
    (BudgetChangeStore, "create"): Account(
        ["read group Everyone", "update group Everyone"], lambda s, _: s.create(budget_terms("new"))
    ),
    (BudgetChangeStore, "set"): Account(
        ["read group Everyone", "update group Everyone"],
        lambda s, _: s.set("changed", budget_terms("changed"), Precondition()),
    ),
    (BudgetChangeStore, "delete"): Account(
        ["read group Everyone", "update group Everyone"],
        lambda s, _: s.delete("ended", Precondition()),
    ),
}
