"""What routes may ask about a user's own budget. An audit entry is written with its change."""

from allowance.access.store import PathStore
from allowance.budgets.models import OverrideLimit, UserBudgetOverride
from allowance.contract.fields import GroupReference, RemovedBudget
from allowance.contract.preconditions import Precondition
from allowance.database.database import call
from allowance.errors import BudgetChanged, GroupNotFound, OverrideNotFound
from allowance.rbac.policy import Action, group_object


class UserBudgetStore(PathStore):
    """The budget override of the user in the path, as one caller may see and change it."""

    def get_override(self) -> UserBudgetOverride:
        """The user's own limit. Raises UserNotFound, NotAuthorized, OverrideNotFound."""
        db = self._gate.open(Action.READ, self._user())
        override = db.first(UserBudgetOverride, "get_user_budget_override", user_id=self._user_id())
        if override is None:
            raise OverrideNotFound
        return override

    def set_override(self, limit: OverrideLimit, precondition: Precondition) -> UserBudgetOverride:
        """Create or change the user's own limit, 0..1e12 micros.

        Needs update on the user and on the group. Raises UserNotFound, GroupNotFound,
        NotAuthorized, BudgetChanged, and NotAGroupMember when the user is not in the group.
        """
        user_id = self._user_id()
        group = self._gate.open(Action.UPDATE, self._user()).first(
            GroupReference, "find_group", group_id=limit.group_id
        )
        if group is None:
            raise GroupNotFound
        db = self._gate.open(Action.UPDATE, group_object(group.id, group.organization_id))
        locked, written = db.in_one_trip(
            call(GroupReference, "lock_user_in_group", user_id=user_id, group_id=group.id),
            call(
                UserBudgetOverride,
                "upsert_user_budget_override",
                user_id=user_id,
                group_id=group.id,
                spend_limit_micros=limit.spend_limit_micros,
                must_exist=precondition.must_exist,
                **precondition.parameters,
                **self._origin.parameters,
            ),
        )
        if not locked:
            raise GroupNotFound
        if not written:
            raise BudgetChanged
        return written[0]

    def remove_override(self, precondition: Precondition) -> None:
        """Remove the user's own limit. Needs update on the user and on the group that it counts
        for.

        Raises UserNotFound, NotAuthorized, OverrideNotFound, BudgetChanged.
        """
        user_id = self._user_id()
        group = self._gate.open(Action.UPDATE, self._user()).first(
            GroupReference, "group_of_user_budget_override", user_id=user_id
        )
        if group is None:
            raise OverrideNotFound
        db = self._gate.open(Action.UPDATE, group_object(group.id, group.organization_id))
        _, outcome = db.in_one_trip(
            call(GroupReference, "lock_user_in_group", user_id=user_id, group_id=group.id),
            call(
                RemovedBudget,
                "delete_user_budget_override",
                user_id=user_id,
                group_id=group.id,
                **precondition.parameters,
                **self._origin.parameters,
            ),
        )
        if not outcome:
            raise OverrideNotFound
        if not outcome[0].removed:
            raise BudgetChanged
