"""DELETE /api/v2/users/{user}/ai/budget/override: remove the user's own budget, so that the groups'
count again.
"""

from allowance.budgets.overrides import OverrideStore
from allowance.contract.preconditions import Precondition
from allowance.http.api import Api

app = Api()


@app.delete("/api/v2/users/{user}/ai/budget/override")
def delete_user_budget_override(store: OverrideStore, precondition: Precondition) -> None:
    store.delete(precondition)


handler = app.handler
