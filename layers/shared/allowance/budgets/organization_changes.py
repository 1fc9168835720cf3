"""Changes of the budgets of an organization, by one caller.

Who may update the group that a budget is about may change it: the group of the budget, any group of
its user, or else the Everyone group. Every change locks the budgets of the organization first.
"""

from typing import Any

from allowance.access.handle import Handle
from allowance.access.store import OrganizationPathStore
from allowance.budgets.limits import assert_removed
from allowance.budgets.models import RemovedBudget
from allowance.budgets.organization import id_or_name
from allowance.budgets.organization_models import (
    ChangedBudget,
    CreatedBudget,
    KnownZone,
    LockedBudgets,
    NewBudget,
    OrganizationBudget,
)
from allowance.budgets.terms import BudgetTerms
from allowance.contract.preconditions import Precondition
from allowance.database.queries import call
from allowance.errors import (
    BudgetChanged,
    BudgetNameTaken,
    NotAuthorized,
    OrganizationBudgetNotFound,
    Problem,
    ValidationFailed,
)
from allowance.rbac.policy import Action

MAX_BUDGETS = 1000
"""The most budgets in force of one organization: a decision looks at each of them."""


class BudgetChangeStore(OrganizationPathStore):
    """Creates, changes and ends budgets of the organization in the path."""

    def create(self, terms: BudgetTerms) -> CreatedBudget:
        """Create a budget, with its audit entry. It counts its whole current period at once.

        Raise OrganizationNotFound, NotAuthorized, ValidationFailed, BudgetNameTaken.
        """
        db, groups = self._changing()
        if problems := terms.problems():
            raise ValidationFailed(problems)
        zone = terms.period.time_zone
        if not db.one(KnownZone, "check_time_zone", time_zone=zone, **groups).is_known:
            raise ValidationFailed([Problem("period.time_zone", "No such time zone.")])
        scope = {"group_id": terms.scope.group_id, "user_id": terms.scope.user_id}
        _, outcomes = db.in_one_trip(
            call(LockedBudgets, "lock_organization_budgets", **groups, **scope),
            call(
                NewBudget,
                "create_organization_budget",
                most=MAX_BUDGETS,
                model_patterns=terms.model_patterns,
                **groups,
                **terms.parameters,
                **self._origin.parameters,
            ),
        )
        made = outcomes[0]
        if made.budget is not None:
            return made.budget
        if not made.may_create:
            raise NotAuthorized
        if forbidding := list(made.problems(MAX_BUDGETS)):
            raise ValidationFailed(forbidding)
        raise BudgetNameTaken

    def set(
        self, budget: str, terms: BudgetTerms, precondition: Precondition
    ) -> OrganizationBudget:
        """Change a budget in force, with its audit entry.

        Raise OrganizationNotFound, NotAuthorized, OrganizationBudgetNotFound, ValidationFailed,
        BudgetNameTaken, BudgetChanged.
        """
        db, groups = self._changing()
        if problems := terms.problems():
            raise ValidationFailed(problems)
        _, outcomes = db.in_one_trip(
            call(LockedBudgets, "lock_organization_budgets", group_id=None, user_id=None, **groups),
            call(
                ChangedBudget,
                "change_organization_budget",
                **groups,
                **id_or_name(budget),
                **terms.parameters,
                **precondition.parameters,
                **self._origin.parameters,
            ),
        )
        if not outcomes:
            raise OrganizationBudgetNotFound
        changed = outcomes[0]
        if changed.budget is not None:
            return changed.budget
        if forbidding := list(changed.problems()):
            raise ValidationFailed(forbidding)
        raise BudgetNameTaken if changed.has_name else BudgetChanged

    def delete(self, budget: str, precondition: Precondition) -> None:
        """End a budget, with its audit entry. Its history stays readable, and its name is free.

        Raise OrganizationNotFound, NotAuthorized, OrganizationBudgetNotFound, BudgetChanged.
        """
        db, groups = self._changing()
        _, outcome = db.in_one_trip(
            call(LockedBudgets, "lock_organization_budgets", group_id=None, user_id=None, **groups),
            call(
                RemovedBudget,
                "end_organization_budget",
                **groups,
                **id_or_name(budget),
                **precondition.parameters,
                **self._origin.parameters,
            ),
        )
        assert_removed(outcome, OrganizationBudgetNotFound)

    def _changing(self) -> tuple[Handle, dict[str, Any]]:
        """Return a handle for the groups that the caller may update, and their ids; None instead of
        ids means all of the organization. Raise OrganizationNotFound, NotAuthorized.
        """
        organization = self._seen_organization()
        db, group_ids = self._gate.open_groups(Action.UPDATE, organization.id)
        return db, {"organization_id": organization.id, "group_ids": group_ids}
