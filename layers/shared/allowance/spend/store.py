"""Spend in the current period, as one caller may see it.

The period is the month of the database's clock. Queries read the sums by month, never the usage.
"""

from collections.abc import Iterable
from uuid import UUID

from allowance.access.store import GroupPathStore, OrganizationPathStore, UserPathStore
from allowance.budgets.effective import period_containing
from allowance.errors import GroupNotFound, NotAuthorized
from allowance.rbac.policy import Action, group_member_object, group_object
from allowance.spend.models import (
    GroupMembersSpend,
    GroupSpend,
    GroupsSpend,
    GroupTotals,
    MemberTotals,
    UserSpend,
)


class UserSpendStore(UserPathStore):
    """The spend of the user in the path."""

    def get_user_spend(self) -> UserSpend:
        """Return what the user spent. Raise UserNotFound, NotAuthorized."""
        db = self._gate.open(Action.READ, self._user())
        period = period_containing(self._caller.now)
        return db.one(
            UserSpend,
            "get_user_spend",
            user_id=self._user_id(),
            period_start=period.start,
            period_end=period.end,
        )


class GroupSpendStore(GroupPathStore):
    """The spend of the group in the path, and of its members."""

    def get_group_spend(self, group_id: UUID) -> GroupSpend:
        """Return the spend attributed to the group. Raise GroupNotFound, NotAuthorized."""
        db = self._gate.open(Action.READ, self._group(group_id))
        period = period_containing(self._caller.now)
        totals = db.first(
            GroupTotals,
            "list_group_spend",
            organization_id=self._organization_id(group_id),
            group_ids=[group_id],
            period_start=period.start,
        )
        if totals is None:
            raise GroupNotFound
        return GroupSpend(period_start=period.start, period_end=period.end, **dict(totals))

    def list_member_spend(
        self, group_id: UUID, user_keys: Iterable[UUID | str]
    ) -> GroupMembersSpend:
        """Return the spend of the users who are in the group and visible to the caller, by id.

        Raise GroupNotFound, NotAuthorized.
        """
        group, organization_id = self._group(group_id), self._organization_id(group_id)
        self._gate.check(Action.READ, group)
        period = period_containing(self._caller.now)
        members = {
            user_id: group_member_object(user_id, organization_id)
            for user_id in self._user_ids(user_keys)
        }
        try:
            db, permitted = self._gate.open_some(Action.READ, members, beside=[group])
        except NotAuthorized:
            return GroupMembersSpend(period_start=period.start, period_end=period.end, members=[])
        rows = db.many(
            MemberTotals,
            "list_member_spend",
            organization_id=organization_id,
            group_id=group_id,
            user_ids=permitted,
            period_start=period.start,
        )
        return GroupMembersSpend(period_start=period.start, period_end=period.end, members=rows)


class OrganizationSpendStore(OrganizationPathStore):
    """The spend of groups of the organization in the path."""

    def list_group_spend(self, group_keys: Iterable[UUID | str]) -> GroupsSpend:
        """Return the spend of the groups that the caller may read, by id.

        Raise OrganizationNotFound, and NotAuthorized if the caller may not see the organization.
        """
        organization = self._seen_organization()
        period = period_containing(self._caller.now)
        groups = {
            group_id: group_object(group_id, organization.id)
            for group_id in self._group_ids(group_keys)
        }
        try:
            db, permitted = self._gate.open_some(Action.READ, groups)
        except NotAuthorized:
            return GroupsSpend(period_start=period.start, period_end=period.end, groups=[])
        rows = db.many(
            GroupTotals,
            "list_group_spend",
            organization_id=organization.id,
            group_ids=permitted,
            period_start=period.start,
        )
        return GroupsSpend(period_start=period.start, period_end=period.end, groups=rows)
