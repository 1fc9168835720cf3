"""The whole spend of an organization, row by row, for the export route."""

from typing import assert_never, override
from uuid import UUID

from allowance.access.handle import Handle
from allowance.access.store import OrganizationPathStore
from allowance.budgets.effective import Period, period_containing
from allowance.errors import NotAuthorized
from allowance.exports.focus import COLUMNS, Charge, ChargePosition, position_of_charge
from allowance.exports.spend_csv import (
    SPEND_COLUMNS,
    DailySpend,
    ExportQuery,
    SpendPosition,
    month_of,
    page_of,
    position_in,
    position_of_spend,
)
from allowance.rbac.policy import Action, group_members_object, groups_object
from allowance.tables.csv import CsvPage


class ExportStore(OrganizationPathStore):
    """The spend of the organization in the path.

    The caller must be allowed to read the spend of all its members, or all its groups.
    """

    @override
    def see_path(self) -> None:
        """Raise OrganizationNotFound, or NotAuthorized for callers who may export nothing of it."""
        id_ = self._organization().id
        if not self._gate.may_any(Action.READ, (group_members_object(id_), groups_object(id_))):
            raise NotAuthorized

    def export(self, query: ExportQuery) -> CsvPage:
        """Return a page of CSV. Raise OrganizationNotFound, NotAuthorized, InvalidQuery."""
        match query.format:
            case "spend":
                return self.export_spend(query)
            case "focus":
                return self.export_charges(query)
            case _:
                assert_never(query.format)

    def export_spend(self, query: ExportQuery) -> CsvPage:
        """Return a page by day, user and group, for callers who may read every member's spend.

        Raise like `export`.
        """
        organization = self._organization()
        db = self._gate.open(Action.READ, group_members_object(organization.id))
        period = self._period(query)
        after = position_in(SpendPosition, query.after) if query.after is not None else None
        rows = db.many(
            DailySpend,
            "list_daily_spend",
            organization_id=organization.id,
            period_start=period.start,
            period_end=period.end,
            after_day=after and after.day,
            after_user=after and after.user_id,
            after_group=after and after.group_id,
            limit=query.limit + 1,
        )
        return page_of(SPEND_COLUMNS, rows, position_of_spend, query, period, organization.name)

    def export_charges(self, query: ExportQuery) -> CsvPage:
        """Return a page by hour, group, model and labels, in FOCUS, for callers who may read
        every group.

        Raise like `export`.
        """
        organization = self._organization()
        db = self._gate.open(Action.READ, groups_object(organization.id))
        period = self._period(query)
        after = position_in(ChargePosition, query.after) if query.after is not None else None
        rows = charges_of(db, organization.id, period, after, query.limit + 1)
        return page_of(COLUMNS, rows, position_of_charge, query, period, organization.name)

    def _period(self, query: ExportQuery) -> Period:
        return period_containing(self._caller.now) if query.month is None else month_of(query.month)


def charges_of(
    db: Handle, organization_id: UUID, period: Period, after: ChargePosition | None, limit: int
) -> list[Charge]:
    """Return a page of an organization's charges in a period, in their order."""
    return db.many(
        Charge,
        "list_charges",
        organization_id=organization_id,
        period_start=period.start,
        period_end=period.end,
        after_hour=after and after.hour,
        after_group=after and after.group_id,
        after_provider=after and after.provider,
        after_model=after and after.model,
        after_label_set=after and after.label_set_id,
        limit=limit,
    )
