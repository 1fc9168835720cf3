"""People, as one caller may see them: users, and members of organizations and groups.

Each list is one query. It reads the budgets and the spend of the people on the page, not of others.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, override
from uuid import UUID

from allowance.access.handle import Handle
from allowance.access.store import CallerStore, GroupPathStore, OrganizationPathStore, UserPathStore
from allowance.budgets.effective import period_containing
from allowance.contract.pages import fitting
from allowance.contract.query import pattern_of
from allowance.directory.models import (
    Member,
    MemberPage,
    PeopleQuery,
    Person,
    PersonCursor,
    User,
    UserPage,
)
from allowance.errors import UserNotFound
from allowance.rbac.policy import Action


class UserListStore(CallerStore):
    """The users that the caller may read."""

    @override
    def see_path(self) -> None:
        """Raise NotAuthorized if the caller may read no user, not even itself."""
        self._gate.open_users(Action.READ)

    def list_users(self, query: PeopleQuery) -> UserPage:
        """Return a page of the users that the caller may read. Raise like `see_path`."""
        db, user_ids = self._gate.open_users(Action.READ)
        found = db.many(
            User,
            "list_users",
            user_ids=user_ids,
            organization_ids=self._visible_organization_ids(),
            **selection_of(query, self._caller.now),
        )
        page, following = _page(found, query)
        return UserPage(users=page, next=following)


class UserStore(UserPathStore):
    """The user in the path."""

    def get_user(self) -> User:
        """Return the user. Raise UserNotFound, NotAuthorized."""
        db = self._gate.open(Action.READ, self._user())
        user = db.first(
            User,
            "get_user",
            user_id=self._user_id(),
            organization_ids=self._visible_organization_ids(),
            period_start=period_containing(self._caller.now).start,
        )
        if user is None:
            raise UserNotFound
        return user


class OrganizationMemberStore(OrganizationPathStore):
    """The members of the organization in the path."""

    def list_members(self, query: PeopleQuery) -> MemberPage:
        """Return a page of the members that the caller may read.

        Raise OrganizationNotFound, and NotAuthorized if the caller may read no member.
        """
        organization_id = self._seen_organization().id
        db, user_ids = self._gate.open_members(Action.READ, organization_id)
        return _members_of_organization(
            db, organization_id, user_ids, selection_of(query, self._caller.now), query
        )


class GroupMemberStore(GroupPathStore):
    """The members of the group in the path."""

    def list_members(self, group_id: UUID, query: PeopleQuery) -> MemberPage:
        """Return a page of the members that the caller may read.

        Raise GroupNotFound, and NotAuthorized if the caller may not read the group, or no member.
        """
        group, organization_id = self._group(group_id), self._organization_id(group_id)
        db, user_ids = self._gate.open_members(Action.READ, organization_id, beside=[group])
        selection = selection_of(query, self._caller.now)
        if group_id == organization_id:
            return _members_of_organization(db, organization_id, user_ids, selection, query)
        found = db.many(
            Member,
            "list_group_members",
            group_id=group_id,
            organization_id=organization_id,
            user_ids=user_ids,
            **selection,
        )
        page, following = _page(found, query)
        return MemberPage(members=page, next=following)


def _members_of_organization(
    db: Handle,
    organization_id: UUID,
    user_ids: list[UUID] | None,
    selection: dict[str, Any],
    query: PeopleQuery,
) -> MemberPage:
    found = db.many(
        Member,
        "list_organization_members",
        organization_id=organization_id,
        group_id=None,
        user_ids=user_ids,
        **selection,
    )
    page, following = _page(found, query)
    return MemberPage(members=page, next=following)


def selection_of(query: PeopleQuery, now: datetime) -> dict[str, Any]:
    """Return the parameters of a page, with the month of its spend."""
    return {
        "pattern": pattern_of(query.q),
        "after_username": query.after and query.after.username,
        "limit": query.limit,
        "period_start": period_containing(now).start,
    }


def _page[P: Person](found: Sequence[P], query: PeopleQuery) -> tuple[list[P], str | None]:
    """Return the people of a page, and the cursor of the next one."""
    page = fitting(found, query.limit)
    more = len(page) < len(found)
    return page, str(PersonCursor(username=page[-1].username)) if more else None
