"""The budgets of an organization: list, create, get, change and end them, and get their spend."""

from allowance.budgets.organization import OrganizationBudgetStore
from allowance.budgets.organization_changes import BudgetChangeStore
from allowance.budgets.organization_models import (
    BudgetPage,
    BudgetQuery,
    BudgetSpend,
    CreatedBudget,
    OrganizationBudget,
    SpendQuery,
)
from allowance.budgets.terms import BudgetTerms
from allowance.contract.preconditions import Precondition
from allowance.http.api import Api

BUDGETS = "/api/v2/organizations/{organization}/ai/budgets"
BUDGET = "/api/v2/organizations/{organization}/ai/budgets/{budget}"

app = Api()


@app.get(BUDGETS)
def list_budgets(store: OrganizationBudgetStore, query: BudgetQuery) -> BudgetPage:
    """List the budgets in force of an organization that you may read, page by page."""
    return store.list_budgets(query)


@app.post(BUDGETS)
def create_budget(store: BudgetChangeStore, terms: BudgetTerms) -> CreatedBudget:
    """Create a budget of an organization. It counts the whole current period at once."""
    return store.create(terms)


@app.get(BUDGET)
def get_budget(store: OrganizationBudgetStore, budget: str) -> OrganizationBudget:
    """Get a budget of an organization by its name, or by its id also after its end."""
    return store.get(budget)


@app.put(BUDGET)
def change_budget(
    store: BudgetChangeStore, budget: str, terms: BudgetTerms, precondition: Precondition
) -> OrganizationBudget:
    """Change a budget of an organization. The scope, per, models and period stay as they are."""
    return store.set(budget, terms, precondition)


@app.delete(BUDGET)
def end_budget(store: BudgetChangeStore, budget: str, precondition: Precondition) -> None:
    """End a budget of an organization. Its history stays readable by its id."""
    store.delete(budget, precondition)


@app.get("/api/v2/organizations/{organization}/ai/budgets/{budget}/spend")
def get_budget_spend(store: OrganizationBudgetStore, budget: str, query: SpendQuery) -> BudgetSpend:
    """Get what is spent, held and left of a budget in its current period, also by member or by
    value where each has a limit.
    """
    return store.get_spend(budget, query)


handler = app.handler
