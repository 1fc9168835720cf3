"""PUT /api/v2/users/{user}/ai/budget: give a user a budget of their own, in place of the groups'."""

from allowance.api import Api
from allowance.overrides import OverrideLimit, UserBudgetOverride
from allowance.precondition import Precondition
from allowance.user_budget_store import UserBudgetStore

app = Api()


@app.put("/api/v2/users/{user}/ai/budget")
def put_user_budget(store: UserBudgetStore, limit: OverrideLimit, precondition: Precondition) -> UserBudgetOverride:
    return store.set_override(limit, precondition)


handler = app.handler
