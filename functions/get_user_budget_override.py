"""GET /api/v2/users/{user}/ai/budget/override: the user's own AI budget, in place of the groups'."""

from allowance.api import Api
from allowance.overrides import UserBudgetOverride
from allowance.user_budget_store import UserBudgetStore

app = Api()


@app.get("/api/v2/users/{user}/ai/budget/override")
def get_user_budget_override(store: UserBudgetStore) -> UserBudgetOverride:
    return store.get_override()


handler = app.handler
