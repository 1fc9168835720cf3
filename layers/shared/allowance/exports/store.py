"""The whole spend of an organization, row by row, for the export route."""

from typing import assert_never
from uuid import UUID

from allowance.access.handle import Handle
from allowance.budgets.effective import Period, period_containing
from allowance.exports.charges import (
    Charge,
    ChargePosition,
    HourlyUsage,
    charges_of,
    position_of_charge,
)
from allowance.exports.details_csv import MAX_DETAILS, file_of
from allowance.exports.focus import COLUMNS
from allowance.exports.report_period import report_period
from allowance.exports.report_store import ReportPathStore, details_in
from allowance.exports.spend_csv import (
    SPEND_COLUMNS,
    DailySpend,
    ExportQuery,
    SpendPosition,
    page_of,
    position_in,
    position_of_spend,
)
from allowance.rbac.policy import Action, group_members_object
from allowance.spend.periods import month_of
from allowance.tables.csv import CsvPage


class ExportStore(ReportPathStore):
    """The spend of the organization in the path.

    The caller must be allowed to read the spend of all its members, or all its groups.
    """

    def export(self, query: ExportQuery) -> CsvPage:
        """Return a page of CSV, or a whole file in Coder's form if the query has its parameters.

        Raise OrganizationNotFound, NotAuthorized, InvalidQuery, and SpendForbidden in Coder's form.
        """
        if query.is_coders:
            return self.export_details(query)
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
        """Return a page of charges in FOCUS, for callers who may read every member's spend.

        Raise like `export`.
        """
        organization = self._organization()
        db = self._gate.open(Action.READ, group_members_object(organization.id))
        period = self._period(query)
        after = position_in(ChargePosition, query.after) if query.after is not None else None
        # One usage more than the limit shows that the month goes on, and one may be of the page
        # before.
        rows = charges_in(db, organization.id, period, after, query.limit + 2)
        return page_of(COLUMNS, rows, position_of_charge, query, period, organization.name)

    def export_details(self, query: ExportQuery) -> CsvPage:
        """Return the whole spend of a period as CSV in Coder's form, for callers who may read every
        member's spend.

        Raise like `export`.
        """
        organization, db = self._spend_of_members()
        query.refuse_mixture()
        period = report_period(query.period_start, query.period_end, self._caller.now)
        count, rows = details_in(
            db,
            period,
            organization,
            user_id=query.user_id,
            group_id=query.group_id,
            provider_name=query.provider_name,
            model=query.model,
            limit=MAX_DETAILS,
        )
        return file_of(rows, count, organization.name, period, with_bom=query.bom is not None)

    def _period(self, query: ExportQuery) -> Period:
        return period_containing(self._caller.now) if query.month is None else month_of(query.month)


def charges_in(
    db: Handle, organization_id: UUID, period: Period, after: ChargePosition | None, usages: int
) -> list[Charge]:
    """Return the charges of some usages of an organization in a period, in their order. A position
    is within a usage.
    """
    found = db.many(
        HourlyUsage,
        "list_usage_by_hour",
        organization_id=organization_id,
        period_start=period.start,
        period_end=period.end,
        from_hour=after and after.hour,
        from_group=after and after.group_id,
        from_provider=after and after.provider,
        from_model=after and after.model,
        from_label_set=after and after.label_set_id,
        from_user=after and after.user_id,
        from_variant=after and after.variant,
        from_version=after and after.price_version_id,
        from_rates=after and after.rates_digest,
        limit=usages,
    )
    charges = [charge for usage in found for charge in charges_of(usage)]
    if after is None:
        return charges
    is_begun = bool(charges) and position_of_charge(charges[0])[:-1] == after[:-1]
    return charges[after.number + 1 :] if is_begun else charges
