"""DELETE /api/v2/users/{user}/ai/budget: remove the user's own budget, so that the groups' count
again.
"""

from allowance.budgets.overrides import OverrideStore
from allowance.contract.preconditions import Precondition
from allowance.http.api import Api

app = Api()


@app.delete("/api/v2/users/{user}/ai/budget")
def delete_user_budget(store: OverrideStore, precondition: Precondition) -> None:
    store.delete(precondition)


handler = app.handler
