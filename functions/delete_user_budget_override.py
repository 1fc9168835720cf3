"""DELETE /api/v2/users/{user}/ai/budget/override: remove the user's own budget, so that the groups'
count again.
"""

from allowance.budgets.overrides import UserBudgetStore
from allowance.contract.preconditions import Precondition
from allowance.http.api import Api

app = Api()


@app.delete("/api/v2/users/{user}/ai/budget/override")
def delete_user_budget_override(store: UserBudgetStore, precondition: Precondition) -> None:
    store.remove_override(precondition)


handler = app.handler
