"""Spend in a period, as one caller may see it.

Without another period it is the month of the database's clock, with limits and holds. Queries read
sums, never the usage.
"""

from datetime import datetime
from uuid import UUID

from allowance.access.handle import Handle
from allowance.access.store import GroupPathStore, OrganizationPathStore, UserPathStore
from allowance.budgets.effective import Period, period_containing
from allowance.errors import GroupNotFound, NotAuthorized
from allowance.rbac.policy import Action, group_member_object, group_object
from allowance.spend.models import (
    GroupIds,
    GroupMembersSpend,
    GroupSpend,
    GroupsSpend,
    GroupTotals,
    MemberTotals,
    UserIds,
    UserSpend,
    UserTotals,
)
from allowance.spend.periods import PeriodQuery


class UserSpendStore(UserPathStore):
    """The spend of the user in the path."""

    def get_user_spend(self, query: PeriodQuery) -> UserSpend:
        """Return what the user spent. Raise UserNotFound, NotAuthorized, InvalidQuery."""
        db = self._gate.open(Action.READ, self._user())
        period = query.period(self._caller.now)
        user_id = self._user_id()
        if period == period_containing(self._caller.now):
            return db.one(
                UserSpend,
                "get_user_spend",
                user_id=user_id,
                period_start=period.start,
                period_end=period.end,
            )
        totals = db.one(
            UserTotals,
            "sum_user_spend",
            user_id=user_id,
            period_start=period.start,
            period_end=period.end,
        )
        return UserSpend(
            period_start=period.start,
            period_end=period.end,
            user_id=user_id,
            effective_group_id=None,
            effective_budget=None,
            spend_limit_micros=None,
            limit_source=None,
            reserved_micros=0,
            **dict(totals),
        )


class GroupSpendStore(GroupPathStore):
    """The spend of the group in the path, and of its members."""

    def get_group_spend(self, group_id: UUID, query: PeriodQuery) -> GroupSpend:
        """Return the spend attributed to the group.

        Raise GroupNotFound, NotAuthorized, InvalidQuery.
        """
        db = self._gate.open(Action.READ, self._group(group_id))
        period = query.period(self._caller.now)
        totals = _totals_of_groups(
            db, self._organization_id(group_id), [group_id], period, self._caller.now
        )
        if not totals:
            raise GroupNotFound
        return GroupSpend(period_start=period.start, period_end=period.end, **dict(totals[0]))

    def list_member_spend(self, group_id: UUID, query: UserIds) -> GroupMembersSpend:
        """Return the spend of the users who are in the group and visible to the caller, by id.

        Another period than the current month also has users who spent for the group and have left.
        Raise GroupNotFound, NotAuthorized, InvalidQuery.
        """
        group, organization_id = self._group(group_id), self._organization_id(group_id)
        self._gate.check(Action.READ, group)
        period = query.period(self._caller.now)
        members = {
            user_id: group_member_object(user_id, organization_id)
            for user_id in self._user_ids(query.user_ids)
        }
        try:
            db, permitted = self._gate.open_some(Action.READ, members, beside=[group])
        except NotAuthorized:
            return GroupMembersSpend(period_start=period.start, period_end=period.end, members=[])
        if period == period_containing(self._caller.now):
            rows = db.many(
                MemberTotals,
                "list_member_spend",
                organization_id=organization_id,
                group_id=group_id,
                user_ids=permitted,
                period_start=period.start,
            )
        else:
            rows = db.many(
                MemberTotals,
                "sum_member_spend",
                organization_id=organization_id,
                group_id=group_id,
                user_ids=permitted,
                period_start=period.start,
                period_end=period.end,
            )
        return GroupMembersSpend(period_start=period.start, period_end=period.end, members=rows)


class OrganizationSpendStore(OrganizationPathStore):
    """The spend of groups of the organization in the path."""

    def list_group_spend(self, query: GroupIds) -> GroupsSpend:
        """Return the spend of the groups that the caller may read, by id.

        Raise OrganizationNotFound, InvalidQuery, and NotAuthorized if the caller may not see the
        organization.
        """
        organization = self._seen_organization()
        period = query.period(self._caller.now)
        groups = {
            group_id: group_object(group_id, organization.id)
            for group_id in self._group_ids(query.group_ids)
        }
        try:
            db, permitted = self._gate.open_some(Action.READ, groups)
        except NotAuthorized:
            return GroupsSpend(period_start=period.start, period_end=period.end, groups=[])
        rows = _totals_of_groups(db, organization.id, permitted, period, self._caller.now)
        return GroupsSpend(period_start=period.start, period_end=period.end, groups=rows)


def _totals_of_groups(
    db: Handle, organization_id: UUID, group_ids: list[UUID], period: Period, now: datetime
) -> list[GroupTotals]:
    """Return the spend of groups in a period, by id. One round trip."""
    if period == period_containing(now):
        return db.many(
            GroupTotals,
            "list_group_spend",
            organization_id=organization_id,
            group_ids=group_ids,
            period_start=period.start,
        )
    return db.many(
        GroupTotals,
        "sum_group_spend",
        organization_id=organization_id,
        group_ids=group_ids,
        period_start=period.start,
        period_end=period.end,
    )
