"""What routes may ask about spend. It is read from the sums by month alone, never from the usage
itself.
"""

from uuid import UUID

from allowance.access.store import PathStore
from allowance.budgets.effective import Period, period_containing
from allowance.errors import GroupNotFound, NotAuthorized, OrganizationNotFound
from allowance.rbac.policy import Action, group_member_object, group_object
from allowance.spend.models import (
    GroupMembersSpend,
    GroupSpend,
    GroupsSpend,
    GroupTotals,
    MemberTotals,
    UserSpend,
)


class SpendStore(PathStore):
    """Spend in the present period, which is that of the database's clock, as one caller
    may see it.
    """

    def get_user_spend(self) -> UserSpend:
        """What the user in the path spent. Raises UserNotFound, NotAuthorized."""
        db = self._gate.open(Action.READ, self._user())
        period = self._period()
        return db.one(
            UserSpend,
            "get_user_spend",
            user_id=self._user_id(),
            period_start=period.start,
            period_end=period.end,
        )

    def get_group_spend(self, group_id: UUID) -> GroupSpend:
        """What is attributed to the group in the path. Raises GroupNotFound, NotAuthorized."""
        group = self._group(group_id)
        db = self._gate.open(Action.READ, group)
        period = self._period()
        totals = db.first(
            GroupTotals,
            "list_group_spend",
            organization_id=group.organization_id,
            group_ids=[group_id],
            period_start=period.start,
        )
        if totals is None:
            raise GroupNotFound
        return GroupSpend(period_start=period.start, period_end=period.end, **dict(totals))

    def list_group_spend(self, group_ids: list[UUID]) -> GroupsSpend:
        """What is attributed to those of the groups that the caller may read, of the organization
        in the path, by id.

        Raises OrganizationNotFound, and NotAuthorized for those who are no members of it and may
        not read it.
        """
        organization = self._caller.organization
        if organization is None:
            raise OrganizationNotFound
        if not self._gate.is_member_of(organization.id):
            self._gate.open(Action.READ, group_object(organization.id, organization.id))
        period = self._period()
        try:
            db, permitted = self._gate.open_some(
                Action.READ,
                {group_id: group_object(group_id, organization.id) for group_id in group_ids},
            )
        except NotAuthorized:
            return GroupsSpend(period_start=period.start, period_end=period.end, groups=[])
        groups = db.many(
            GroupTotals,
            "list_group_spend",
            organization_id=organization.id,
            group_ids=permitted,
            period_start=period.start,
        )
        return GroupsSpend(period_start=period.start, period_end=period.end, groups=groups)

    def list_member_spend(self, group_id: UUID, user_ids: list[UUID]) -> GroupMembersSpend:
        """What those of the users spent for the group in the path who are in it and whom the caller
        may see, by id.

        Raises GroupNotFound.
        """
        organization_id = self._group(group_id).organization_id
        if organization_id is None:
            raise GroupNotFound
        period = self._period()
        try:
            db, permitted = self._gate.open_some(
                Action.READ,
                {user_id: group_member_object(user_id, organization_id) for user_id in user_ids},
            )
        except NotAuthorized:
            return GroupMembersSpend(period_start=period.start, period_end=period.end, members=[])
        members = db.many(
            MemberTotals,
            "list_member_spend",
            group_id=group_id,
            user_ids=permitted,
            period_start=period.start,
        )
        return GroupMembersSpend(period_start=period.start, period_end=period.end, members=members)

    def _period(self) -> Period:
        return period_containing(self._caller.now)
