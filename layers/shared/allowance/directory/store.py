"""What one caller may read of the directory: the caller, groups, groups of an organization."""

from typing import override
from uuid import UUID

from allowance.access.caller import Membership
from allowance.access.store import CallerStore, GroupPathStore, OrganizationPathStore
from allowance.contract.pages import fitting
from allowance.directory.models import (
    Group,
    GroupCursor,
    GroupPage,
    GroupQuery,
    Me,
    Organization,
    OrganizationQuery,
)
from allowance.errors import GroupNotFound, NotAuthorized, OrganizationNotFound
from allowance.rbac.policy import Action, groups_object, user_object

MAX_OTHERS = 100
"""The most organizations of others beside the caller's own. The list of organizations has pages."""


class CallerDirectoryStore(CallerStore):
    """What a caller may read about itself."""

    @override
    def see_path(self) -> None:
        """Raise NotAuthorized if the token's scope excludes the caller."""
        self._gate.check(Action.READ, user_object(self._caller.user_id))

    def me(self) -> Me:
        """Return the caller, with the organizations that the token's scope leaves visible.

        Raise like `see_path`.
        """
        self.see_path()
        own = [each for each in self._caller.organizations if self._sees(each.id)]
        try:
            others = self.list_others()
        except NotAuthorized:
            others = []
        return Me(
            id=self._caller.user_id,
            username=self._caller.username,
            email=self._caller.email,
            roles=self._caller.roles,
            organizations=[*own, *others[:MAX_OTHERS]],
            more_organizations=len(others) > MAX_OTHERS,
            token=self._caller.token,
        )

    def list_others(self) -> list[Membership]:
        """Return organizations of which the caller is no member, by name and without roles: up to
        one more than MAX_OTHERS. Raise NotAuthorized unless the caller may read every group.
        """
        db = self._gate.open(Action.READ, groups_object(None))
        return db.many(
            Membership,
            "list_other_organizations",
            everywhere=None,
            organization_ids=[each.id for each in self._caller.organizations],
            limit=MAX_OTHERS,
        )


class OrganizationListStore(CallerStore):
    """The organizations that the caller sees."""

    def list_organizations(self, query: OrganizationQuery) -> list[Organization]:
        """Return the first organizations after a name. Empty: the caller sees none."""
        if self._visible_organization_ids() is None:
            db = self._gate.open(Action.READ, groups_object(None))
            return db.many(
                Organization,
                "list_organizations",
                everywhere=None,
                after_name=query.after,
                limit=query.limit,
            )
        try:
            db, group_ids = self._gate.open_some(Action.READ, self._visible_groups())
        except NotAuthorized:
            return []
        return db.many(
            Organization,
            "list_organizations_of_groups",
            group_ids=group_ids,
            after_name=query.after,
            limit=query.limit,
        )


class GroupStore(GroupPathStore):
    """The group in the path."""

    def get_group(self, group_id: UUID) -> Group:
        """Return the group with its budget. Raise GroupNotFound, NotAuthorized."""
        db = self._gate.open(Action.READ, self._group(group_id))
        group = db.first(Group, "get_group", group_id=group_id)
        if group is None:
            raise GroupNotFound
        return group


class OrganizationStore(OrganizationPathStore):
    """The organization in the path."""

    def get_organization(self) -> Organization:
        """Return the organization. Raise OrganizationNotFound, NotAuthorized."""
        organization = self._seen_organization()
        groups = self._groups_of(organization.id)
        db, group_ids = self._gate.open_some(Action.READ, groups)
        found = db.many(
            Organization,
            "list_organizations_of_groups",
            group_ids=group_ids,
            after_name=None,
            limit=1,
        )
        if not found:
            raise OrganizationNotFound
        return found[0]

    def list_groups(self, query: GroupQuery) -> GroupPage:
        """Return a page of the groups that the caller may read, by name.

        Raise OrganizationNotFound, and NotAuthorized if the caller may see no group.
        """
        organization = self._seen_organization()
        db, group_ids = self._gate.open_groups(Action.READ, organization.id)
        found = db.many(
            Group,
            "list_groups",
            organization_id=organization.id,
            group_ids=group_ids,
            after_name=query.after and query.after.name,
            limit=query.limit,
        )
        if not found and query.after is None:
            raise NotAuthorized
        page = fitting(found, query.limit)
        following = str(GroupCursor(name=page[-1].name)) if len(page) < len(found) else None
        return GroupPage(groups=page, next=following)
