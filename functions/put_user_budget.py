"""PUT /api/v2/users/{user}/ai/budget: give a user a budget of their own, in place of
the groups'.
"""

from allowance.budgets.models import OverrideLimit, UserBudgetOverride
from allowance.budgets.overrides import OverrideStore
from allowance.contract.preconditions import Precondition
from allowance.http.api import Api

app = Api()


@app.put("/api/v2/users/{user}/ai/budget")
def put_user_budget(
    store: OverrideStore, limit: OverrideLimit, precondition: Precondition
) -> UserBudgetOverride:
    return store.set(limit, precondition)


handler = app.handler
