"""The budget of a group, as one caller may see and change it."""

from uuid import UUID

from allowance.access.caller import GroupReference
from allowance.access.store import GroupPathStore
from allowance.budgets.limits import assert_removed, written
from allowance.budgets.models import GroupBudget, RemovedBudget
from allowance.contract.preconditions import Precondition
from allowance.database.queries import call
from allowance.errors import BudgetNotFound, GroupNotFound
from allowance.rbac.policy import Action


class GroupBudgetStore(GroupPathStore):
    """The budget of the group in the path. A refusal is an absence: NotAuthorized is a NotFound."""

    def get(self, group_id: UUID) -> GroupBudget:
        """Return the budget. Raises GroupNotFound, NotAuthorized, BudgetNotFound."""
        db = self._gate.open(Action.READ, self._group(group_id))
        budget = db.first(GroupBudget, "get_group_budget", group_id=group_id)
        if budget is None:
            raise BudgetNotFound
        return budget

    def set(
        self, group_id: UUID, spend_limit_micros: int, precondition: Precondition
    ) -> GroupBudget:
        """Create or change the budget, 0..1e12 micros, with its audit entry.

        Raises GroupNotFound, NotAuthorized, BudgetChanged.
        """
        db = self._gate.open(Action.UPDATE, self._group(group_id))
        locked, rows = db.in_one_trip(
            call(GroupReference, "lock_group", group_id=group_id),
            call(
                GroupBudget,
                "upsert_group_budget",
                group_id=group_id,
                spend_limit_micros=spend_limit_micros,
                **precondition.parameters,
                **self._origin.parameters,
            ),
        )
        if not locked:
            raise GroupNotFound
        return written(rows, precondition)

    def delete(self, group_id: UUID, precondition: Precondition) -> None:
        """Remove the budget, with its audit entry.

        Raises GroupNotFound, NotAuthorized, BudgetNotFound, BudgetChanged.
        """
        db = self._gate.open(Action.UPDATE, self._group(group_id))
        locked, outcome = db.in_one_trip(
            call(GroupReference, "lock_group", group_id=group_id),
            call(
                RemovedBudget,
                "delete_group_budget",
                group_id=group_id,
                **precondition.parameters,
                **self._origin.parameters,
            ),
        )
        if not locked:
            raise GroupNotFound
        assert_removed(outcome, BudgetNotFound)
