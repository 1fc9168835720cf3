"""A user's own AI budget, in place of the groups' budgets: get, set and remove it, on two paths."""

from allowance.budgets.models import OverrideLimit, UserBudgetOverride
from allowance.budgets.overrides import OverrideStore
from allowance.contract.preconditions import Precondition
from allowance.http.api import Api

BUDGET = "/api/v2/users/{user}/ai/budget"
OVERRIDE = "/api/v2/users/{user}/ai/budget/override"

app = Api()


@app.get(BUDGET, OVERRIDE)
def get_user_budget(store: OverrideStore) -> UserBudgetOverride:
    """Get the user's own AI budget, which replaces the groups' budgets."""
    return store.get()


@app.put(BUDGET, OVERRIDE)
def put_user_budget(
    store: OverrideStore, limit: OverrideLimit, precondition: Precondition
) -> UserBudgetOverride:
    """Set the user's own AI budget, which replaces the groups' budgets."""
    return store.set(limit, precondition)


@app.delete(BUDGET, OVERRIDE)
def delete_user_budget(store: OverrideStore, precondition: Precondition) -> None:
    """Remove the user's own AI budget, so that the groups' budgets apply again."""
    store.delete(precondition)


handler = app.handler
