"""Spend over time, as one caller may see it: of an organization, a group or a user.

Series are read from the sums. A caller may see those of an organization or a group who may read the
spend of all its members.
"""

from typing import override
from uuid import UUID

from allowance.access.handle import Handle
from allowance.access.store import GroupPathStore, OrganizationPathStore, UserPathStore
from allowance.database.queries import Call, call
from allowance.errors import GroupNotFound, InvalidQuery, Problem
from allowance.rbac.policy import Action, group_members_object, groups_object
from allowance.spend.series_by_group import call_by_group
from allowance.spend.series_by_user import call_by_user
from allowance.spend.series_models import (
    OrganizationSpendSeries,
    SeriesRow,
    SeriesTerms,
    SpendSeries,
)
from allowance.spend.series_points import series_of
from allowance.spend.series_query import (
    Asked,
    GroupSeriesQuery,
    OrganizationSeriesQuery,
    UserSeriesQuery,
)


class OrganizationSeriesStore(OrganizationPathStore):
    """The series of the organization in the path."""

    @override
    def see_path(self) -> None:
        """Raise OrganizationNotFound, or NotAuthorized unless the caller may read the spend of all
        members. No round trip.
        """
        self._gate.check(Action.READ, group_members_object(self._organization().id))

    def list_series(self, query: OrganizationSeriesQuery) -> OrganizationSpendSeries:
        """Return the series. Raise OrganizationNotFound, NotAuthorized, InvalidQuery."""
        id_ = self._organization().id
        db = self._gate.open(Action.READ, group_members_object(id_))
        asked = Asked.of(query, self._caller.user_id, group=query.group)
        return series_of(OrganizationSpendSeries, query, *_of_members(db, id_, query, asked))


class GroupSeriesStore(GroupPathStore):
    """The series of the group in the path."""

    @override
    def see_path(self) -> None:
        """Raise GroupNotFound, or NotAuthorized unless the caller may read the spend of all members
        of the organization. No round trip.
        """
        group = self._caller.group
        if group is None:
            raise GroupNotFound
        self._gate.check(Action.READ, group_members_object(group.organization_id))

    def list_series(self, group_id: UUID, query: GroupSeriesQuery) -> SpendSeries:
        """Return the series. Raise GroupNotFound, NotAuthorized, InvalidQuery."""
        id_ = self._organization_id(group_id)
        db = self._gate.open(Action.READ, group_members_object(id_))
        asked = Asked.of(query, self._caller.user_id, group=str(group_id))
        return series_of(SpendSeries, query, *_of_members(db, id_, query, asked))


class UserSeriesStore(UserPathStore):
    """The series of the user in the path."""

    def list_series(self, query: UserSeriesQuery) -> SpendSeries:
        """Return the series of all groups. Raise UserNotFound, NotAuthorized, InvalidQuery.

        Names of groups are for the user, and for callers who may read all groups.
        """
        db, user_id = self._gate.open(Action.READ, self._user()), self._user_id()
        query.require_points(by_user=True)
        shows_groups = user_id == self._caller.user_id or self._gate.may_any(
            Action.READ, [groups_object(None)]
        )
        terms, rows = db.in_one_trip(
            call(SeriesTerms, "get_user_series_terms", user_id=user_id, **query.terms),
            call(
                SeriesRow,
                "list_user_series",
                user_id=user_id,
                group_id=query.group,
                group_name=None,
                shows_groups=shows_groups,
                **query.terms,
                **query.parts,
            ),
        )
        return series_of(SpendSeries, query, _known(terms), rows)


def _of_members(
    db: Handle, organization_id: UUID, query: GroupSeriesQuery, asked: Asked
) -> tuple[SeriesTerms, list[SeriesRow]]:
    """Return the points and the sums of an organization's series. One round trip.

    Raise InvalidQuery.
    """
    query.require_points(by_user=asked.names_user or query.split == "user")
    terms, rows = db.in_one_trip(
        call(
            SeriesTerms,
            "get_series_terms",
            organization_id=organization_id,
            **asked.parameters,
            **query.terms,
        ),
        _call_of_rows(organization_id, query, asked),
    )
    known = _known(terms)
    problems = [
        Problem(name, detail)
        for name, detail, is_missing in (
            ("group", "No group here has this name.", asked.group_name and not known.group_id),
            (
                "user",
                "No member has this username. Name a former member by the id.",
                asked.named_username and not known.user_id,
            ),
        )
        if is_missing
    ]
    if problems:
        raise InvalidQuery(problems)
    return known, rows


def _call_of_rows(organization_id: UUID, query: GroupSeriesQuery, asked: Asked) -> Call[SeriesRow]:
    if query.split == "user" and not query.is_filtered and not asked.names_user:
        return call_by_user(organization_id, query, asked)
    if query.split == "group" and not query.is_filtered and not asked.names_anything:
        return call_by_group(organization_id, query, asked)
    if query.split == "user" or asked.names_user:
        return call(
            SeriesRow,
            "list_series_of_users",
            organization_id=organization_id,
            shows_groups=True,
            **asked.parameters,
            **query.terms,
            **query.parts,
        )
    return call(
        SeriesRow,
        "list_series",
        organization_id=organization_id,
        shows_groups=True,
        # The hours of rolled-up days have no groups.
        rolled_by=None if query.split == "group" else "hour",
        **asked.parameters,
        **query.terms,
        **query.parts,
    )


def _known(terms: list[SeriesTerms]) -> SeriesTerms:
    """Return the points. Raise InvalidQuery if the database does not know the time zone."""
    if terms[0].starts is None:
        raise InvalidQuery([Problem("time_zone", "No such time zone.")])
    return terms[0]
