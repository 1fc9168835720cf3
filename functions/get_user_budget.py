"""GET /api/v2/users/{user}/ai/budget: the user's own AI budget, in place of the groups'."""

from allowance.budgets.models import UserBudgetOverride
from allowance.budgets.overrides import OverrideStore
from allowance.http.api import Api

app = Api()


@app.get("/api/v2/users/{user}/ai/budget")
def get_user_budget(store: OverrideStore) -> UserBudgetOverride:
    return store.get()


handler = app.handler
