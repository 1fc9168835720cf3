"""The budget override of a user, as one caller may see and change it."""

from collections.abc import Callable
from uuid import UUID

from allowance.access.caller import GroupReference
from allowance.access.store import UserPathStore
from allowance.budgets.limits import assert_removed, written
from allowance.budgets.models import (
    LockedOverride,
    OverrideLimit,
    RemovedBudget,
    UserBudgetOverride,
)
from allowance.contract.preconditions import Precondition
from allowance.database.queries import Call, call
from allowance.errors import (
    GroupNotFound,
    NotFound,
    OverrideNotFound,
    Problem,
    ValidationFailed,
)
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
        """Create or change the override, 0..1e12 micros, with its audit entries.

        Needs update on the user, on the group, and on the group that the override leaves. Raises
        UserNotFound, GroupNotFound, NotAuthorized, BudgetChanged, NotAGroupMember for a user
        outside the group, and ValidationFailed for an end that is over.
        """
        user_id, group_id = self._user_id(), limit.group_id
        self._gate.check(Action.UPDATE, self._user())
        if limit.expires_at is not None and limit.expires_at <= self._caller.now:
            raise ValidationFailed([Problem("expires_at", "Must be a time to come.")])
        rows = self._write(
            group_id,
            call(LockedOverride, "lock_override_in_group", user_id=user_id, group_id=group_id),
            lambda group_ids: call(
                UserBudgetOverride,
                "upsert_user_budget_override",
                user_id=user_id,
                group_id=group_id,
                group_ids=group_ids,
                spend_limit_micros=limit.spend_limit_micros,
                expires_at=limit.expires_at,
                **precondition.parameters,
                **self._origin.parameters,
            ),
            GroupNotFound,
        )
        return written(rows, precondition)

    def delete(self, precondition: Precondition) -> None:
        """Remove the override, with its audit entry.

        Needs update on the user and on the group of the override. Raises UserNotFound,
        NotAuthorized, OverrideNotFound, BudgetChanged.
        """
        user_id = self._user_id()
        outcome = self._write(
            None,
            call(LockedOverride, "lock_override", user_id=user_id),
            lambda group_ids: call(
                RemovedBudget,
                "delete_user_budget_override",
                user_id=user_id,
                group_ids=group_ids,
                **precondition.parameters,
                **self._origin.parameters,
            ),
            OverrideNotFound,
        )
        assert_removed(outcome, OverrideNotFound)

    def _write[T](
        self,
        group_id: UUID | None,
        lock: Call[LockedOverride],
        write: Callable[[list[UUID]], Call[T]],
        absent: type[NotFound],
    ) -> list[T]:
        """Return the rows of a write after its lock. `write` gets the groups that the caller may
        update. It must do nothing where the override counts for another group.

        Two round trips, and one more for each group that the override moved to meanwhile. Raises
        NotAuthorized, and `absent` without the given group or, where none is given, an override.
        """
        db = self._gate.open(Action.UPDATE, self._user())
        find = call(
            GroupReference, "find_groups_of_override", user_id=self._user_id(), group_id=group_id
        )
        found, rows = db.rows_of(find), list[T]()
        permitted: dict[UUID, GroupReference] = {}
        while True:
            concerned = {each.id: each for each in found}
            if not (concerned if group_id is None else group_id in concerned):
                raise absent
            if concerned.keys() <= permitted.keys():
                return rows
            permitted |= concerned
            db = self._gate.open(
                Action.UPDATE,
                self._user(),
                *(group_object(each.id, each.organization_id) for each in permitted.values()),
            )
            _, found, rows = db.all_in_one_trip(lock, find, write(list(permitted)))
