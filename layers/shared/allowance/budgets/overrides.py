"""The budget override of a user, as one caller may see and change it."""

from allowance.access.caller import GroupReference
from allowance.access.store import UserPathStore
from allowance.budgets.limits import remove_limit, write_limit
from allowance.budgets.models import OverrideLimit, RemovedBudget, UserBudgetOverride
from allowance.contract.preconditions import Precondition
from allowance.database.queries import call
from allowance.errors import GroupNotFound, OverrideNotFound
from allowance.rbac.policy import Action, group_object


class OverrideStore(UserPathStore):
    """The override of the user in the path: a limit in place of the limits of the user's groups."""

    def get(self) -> UserBudgetOverride:
        """Return the override. Raises UserNotFound, NotAuthorized, OverrideNotFound."""
        db = self._gate.open(Action.READ, self._user())
        override = db.first(UserBudgetOverride, "get_user_budget_override", user_id=self._user_id())
        if override is None:
            raise OverrideNotFound
        return override

    def set(self, limit: OverrideLimit, precondition: Precondition) -> UserBudgetOverride:
        """Create or change the override, 0..1e12 micros, with its audit entry.

        Needs update on the user and on the group. Raises UserNotFound, GroupNotFound,
        NotAuthorized, BudgetChanged, and NotAGroupMember for a user outside the group.
        """
        user_id = self._user_id()
        group = self._gate.open(Action.UPDATE, self._user()).first(
            GroupReference, "find_group_for_override", user_id=user_id, group_id=limit.group_id
        )
        if group is None:
            raise GroupNotFound
        db = self._gate.open(
            Action.UPDATE, self._user(), group_object(group.id, group.organization_id)
        )
        return write_limit(
            db,
            call(GroupReference, "lock_user_in_group", user_id=user_id, group_id=group.id),
            call(
                UserBudgetOverride,
                "upsert_user_budget_override",
                user_id=user_id,
                group_id=group.id,
                spend_limit_micros=limit.spend_limit_micros,
                **precondition.parameters,
                **self._origin.parameters,
            ),
        )

    def delete(self, precondition: Precondition) -> None:
        """Remove the override, with its audit entry.

        Needs update on the user and on the group of the override. Raises UserNotFound,
        NotAuthorized, OverrideNotFound, BudgetChanged.
        """
        user_id = self._user_id()
        group = self._gate.open(Action.UPDATE, self._user()).first(
            GroupReference, "find_group_of_override", user_id=user_id
        )
        if group is None:
            raise OverrideNotFound
        db = self._gate.open(
            Action.UPDATE, self._user(), group_object(group.id, group.organization_id)
        )
        remove_limit(
            db,
            call(GroupReference, "lock_user_in_group", user_id=user_id, group_id=group.id),
            call(
                RemovedBudget,
                "delete_user_budget_override",
                user_id=user_id,
                group_id=group.id,
                **precondition.parameters,
                **self._origin.parameters,
            ),
            OverrideNotFound,
        )
