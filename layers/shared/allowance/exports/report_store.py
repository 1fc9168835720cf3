"""Reports of an organization's spend, for callers who may read the spend of all its members."""

from collections.abc import Sequence
from typing import override
from uuid import UUID

from allowance.access.caller import OrganizationReference
from allowance.access.handle import Handle
from allowance.access.store import OrganizationPathStore
from allowance.contract.fields import Row
from allowance.database.queries import Call, call
from allowance.errors import Forbidden, NotAuthorized, Problem
from allowance.exports.report_period import (
    END,
    START,
    InvalidPeriod,
    ReportPeriod,
    is_midnight,
    report_period,
)
from allowance.exports.reports import (
    ListedDetail,
    ListedUser,
    MissingPart,
    ReportTotals,
    ReportUser,
    SpendDetail,
    SpendDetails,
    SpendDetailsQuery,
    UsersReport,
    UsersReportQuery,
)
from allowance.rbac.policy import Action, group_members_object, groups_object


class SpendForbidden(Forbidden, NotAuthorized):
    """The caller sees the organization, but may not read the spend of all its members."""


class ReportPathStore(OrganizationPathStore):
    """A store of the whole spend of the organization in the path."""

    @override
    def see_path(self) -> None:
        """Raise OrganizationNotFound, or NotAuthorized unless the caller sees the organization."""
        id_ = self._organization().id
        if not self._gate.may_any(Action.READ, (group_members_object(id_), groups_object(id_))):
            self._seen_organization()

    def _spend_of_members(self) -> tuple[OrganizationReference, Handle]:
        """Return the organization, and a handle for the spend of all its members.

        Raise like `see_path`, and SpendForbidden.
        """
        organization = self._organization()
        members = group_members_object(organization.id)
        if not self._gate.may_any(Action.READ, [members]) and self._sees(organization.id):
            raise SpendForbidden
        return organization, self._gate.open(Action.READ, members)


class ReportStore(ReportPathStore):
    """The reports of the organization in the path."""

    def list_users(self, query: UsersReportQuery) -> UsersReport:
        """Return a page of the users who spent something.

        Raise OrganizationNotFound, NotAuthorized, SpendForbidden, InvalidPeriod.
        """
        organization, db = self._spend_of_members()
        period = report_period(query.period_start, query.period_end, self._caller.now)
        what = call(
            ListedUser,
            "list_report_users",
            organization_id=organization.id,
            provider_name=query.provider_name or None,
            model=query.model or None,
            client=query.client or None,
            limit=query.limit,
            offset=query.offset,
            **period.parameters,
        )
        found = _rows_in(db, period, organization.id, what)
        return UsersReport(
            period_start=period.start,
            period_end=period.end,
            count=found[0].count,
            totals=ReportTotals(
                cost_micros=found[0].total_cost_micros,
                unpriced_usage_count=found[0].total_unpriced_usage_count,
            ),
            users=[_as(ReportUser, each) for each in found if each.is_listed],
        )

    def list_details(self, query: SpendDetailsQuery) -> SpendDetails:
        """Return a page of spend by user, group, provider and model. Raise like `list_users`."""
        organization, db = self._spend_of_members()
        period = report_period(query.period_start, query.period_end, self._caller.now)
        count, rows = details_in(
            db,
            period,
            organization,
            user_id=query.user_id,
            group_id=query.group_id,
            provider_name=query.provider_name,
            model=query.model,
            limit=query.limit,
            offset=query.offset,
        )
        return SpendDetails(
            period_start=period.start, period_end=period.end, count=count, rows=rows
        )


def details_in(
    db: Handle,
    period: ReportPeriod,
    organization: OrganizationReference,
    *,
    user_id: UUID | None,
    group_id: UUID | None,
    provider_name: str | None,
    model: str | None,
    limit: int,
    offset: int = 0,
) -> tuple[int, list[SpendDetail]]:
    """Return the number of all rows of a report that match the filters, and a page of them. An
    empty text is no filter. Raise InvalidPeriod.
    """
    what = call(
        ListedDetail,
        "list_spend_details",
        organization_id=organization.id,
        organization_name=organization.name,
        user_id=user_id,
        group_id=group_id,
        provider_name=provider_name or None,
        model=model or None,
        limit=limit,
        offset=offset,
        **period.parameters,
    )
    found = _rows_in(db, period, organization.id, what)
    return found[0].count, [_as(SpendDetail, each) for each in found if each.is_listed]


def _rows_in[R](db: Handle, period: ReportPeriod, organization_id: UUID, what: Call[R]) -> list[R]:
    """Return the rows of a call about a period. One round trip.

    Raise InvalidPeriod if a part of a day is not in the ledger any more.
    """
    if not period.parts:
        return db.rows_of(what)
    looked_for = call(
        MissingPart,
        "list_missing_parts",
        organization_id=organization_id,
        part_starts=[start for start, _ in period.parts],
        part_ends=[end for _, end in period.parts],
    )
    missing, found = db.in_one_trip(looked_for, what)
    if missing:
        raise _not_kept(period, missing)
    return found


def _not_kept(period: ReportPeriod, missing: Sequence[MissingPart]) -> InvalidPeriod:
    """Return the error of a period with parts of days that only whole sums are kept of."""
    of_start = missing[0].starts_at == period.start and not is_midnight(period.start)
    name = START if of_start else END
    return InvalidPeriod(
        f'Query parameter "{name}" must be midnight in UTC: single usages of that day are not kept'
        " any more.",
        [Problem(name, "Must be midnight in UTC: only the sum of that day is kept.")],
    )


def _as[R: Row](kind: type[R], row: Row) -> R:
    return kind(**{name: getattr(row, name) for name in kind.model_fields})
