"""The budgets of an organization, as one caller may read them.

A budget of a group is about that group, and a budget of a user about the user's spend. The others
are about the Everyone group.
"""

from typing import Any
from uuid import UUID

from allowance.access.handle import Handle
from allowance.access.store import OrganizationPathStore
from allowance.budgets.organization_models import (
    BudgetCursor,
    BudgetPage,
    BudgetQuery,
    BudgetSpend,
    FoundBudget,
    OrganizationBudget,
    SpendQuery,
    SpendRow,
    SubjectCursor,
)
from allowance.contract.fields import UUID_FORM
from allowance.contract.pages import fitting
from allowance.errors import InvalidQuery, OrganizationBudgetNotFound, Problem
from allowance.rbac.policy import Action, group_member_object, group_members_object


class OrganizationBudgetStore(OrganizationPathStore):
    """The budgets of the organization in the path. A refusal is an absence."""

    def list_budgets(self, query: BudgetQuery) -> BudgetPage:
        """Return a page of the budgets in force that the caller may read, by name.

        Raise OrganizationNotFound, NotAuthorized.
        """
        db, parameters = self._reading()
        found = db.many(
            FoundBudget,
            "list_organization_budgets",
            after_name=query.after and query.after.name,
            limit=query.limit,
            **parameters,
        )
        budgets = [each.budget for each in found]
        page = fitting(budgets, query.limit)
        following = str(BudgetCursor(name=page[-1].name)) if len(page) < len(budgets) else None
        return BudgetPage(budgets=page, next=following)

    def get(self, budget: str) -> OrganizationBudget:
        """Return a budget, by its name if it is in force, or by its id.

        Raise OrganizationNotFound, NotAuthorized, OrganizationBudgetNotFound.
        """
        db, parameters = self._reading()
        found = db.first(FoundBudget, "get_organization_budget", **parameters, **id_or_name(budget))
        if found is None:
            raise OrganizationBudgetNotFound
        return found.budget

    def get_spend(self, budget: str, query: SpendQuery) -> BudgetSpend:
        """Return what is spent, held and left of a budget in its current period, or in the one
        that contains a time.

        Members whose spend the caller may not read are left out. Raise OrganizationNotFound,
        NotAuthorized, OrganizationBudgetNotFound, InvalidQuery if the time is in the future.
        """
        db, parameters = self._reading()
        if query.at is not None and query.at > self._caller.now:
            raise InvalidQuery([Problem("at", "Must not be in the future.")])
        found = db.first(
            SpendRow,
            "get_organization_budget_spend",
            at=query.at,
            after_subject=query.after and query.after.subject,
            limit=query.limit,
            **parameters,
            **id_or_name(budget),
        )
        if found is None:
            raise OrganizationBudgetNotFound
        page, following = found.subjects[: query.limit], None
        if len(page) < len(found.subjects):
            last = page[-1]
            subject = str(last.user.id) if last.user is not None else last.value or ""
            following = str(SubjectCursor(subject=subject))
        return BudgetSpend(
            budget_id=found.budget_id,
            period_start=found.period_start,
            period_end=found.period_end,
            total=found.total,
            subjects=page,
            next=following,
        )

    def _reading(self) -> tuple[Handle, dict[str, Any]]:
        """Return a handle for the groups and the members that the caller may read, and their ids.

        None instead of ids means all of the organization. Raise OrganizationNotFound,
        NotAuthorized.
        """
        organization, caller_id = self._seen_organization(), self._caller.user_id
        everybody = group_members_object(organization.id)
        oneself = group_member_object(caller_id, organization.id)
        user_ids: list[UUID] | None = []
        beside = [each for each in (everybody, oneself) if self._gate.may_any(Action.READ, [each])]
        if everybody in beside:
            user_ids = None
        elif oneself in beside:
            user_ids = [caller_id]
        db, group_ids = self._gate.open_groups(Action.READ, organization.id, beside=beside)
        return db, {
            "organization_id": organization.id,
            "group_ids": group_ids,
            "user_ids": user_ids,
        }


def id_or_name(budget: str) -> dict[str, Any]:
    """Return the parameters that find a budget. No name looks like an id."""
    is_id = UUID_FORM.fullmatch(budget) is not None
    name = budget if not is_id and budget.isprintable() else None
    return {"budget_id": UUID(budget) if is_id else None, "budget_name": name}
