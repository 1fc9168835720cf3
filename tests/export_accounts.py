"""The accounts of the stores of exports."""

from datetime import UTC, datetime

from allowance.budgets.effective import period_containing
from allowance.exports.files import DueFile, ExportSource
from allowance.exports.report_store import ReportPathStore, ReportStore
from allowance.exports.reports import SpendDetailsQuery, UsersReportQuery
from allowance.exports.spend_csv import ExportQuery
from allowance.exports.store import ExportStore
from tests.accounting import Account, now
from tests.people import Acme


def file_of(acme: Acme) -> DueFile:
    """A file that a run has claimed."""
    return DueFile(
        organization_id=acme.organizations["acme"],
        month=now().date().replace(day=1),
        changes=0,
        leased_until=now(),
        attempted_at=now(),
        before=None,
    )


PART_OF_A_DAY = UsersReportQuery(
    period_start=datetime(2026, 1, 5, 1, tzinfo=UTC),
    period_end=datetime(2026, 1, 5, 2, tzinfo=UTC),
)

EXPORT_ACCOUNTS: dict[tuple[type, str], Account] = {
    (ReportPathStore, "see_path"): Account(
        ["read group_member in acme", "read group in acme"],
        lambda s, _: s.see_path(),
        either=True,
    ),
    (ReportStore, "list_users"): Account(
        ["read group_member in acme"], lambda s, _: s.list_users(PART_OF_A_DAY)
    ),
    (ReportStore, "list_details"): Account(
        ["read group_member in acme"], lambda s, _: s.list_details(SpendDetailsQuery())
    ),
    (ExportStore, "export_details"): Account(
        ["read group_member in acme"],
        lambda s, _: s.export_details(ExportQuery(model="m")),
    ),
    (ExportStore, "export"): Account(
        ["read group_member in acme"], lambda s, _: s.export(ExportQuery())
    ),
    (ExportStore, "export_spend"): Account(
        ["read group_member in acme"], lambda s, _: s.export_spend(ExportQuery())
    ),
    (ExportStore, "export_charges"): Account(
        ["read group_member in acme"], lambda s, _: s.export_charges(ExportQuery(format="focus"))
    ),
    (ExportSource, "start"): Account(
        ["update ai_spend_export"], lambda s, _: s.start(period_containing(now()))
    ),
    (ExportSource, "claim"): Account(
        ["update ai_spend_export"], lambda s, _: s.claim(now(), period_containing(now()))
    ),
    (ExportSource, "mark"): Account(["update ai_spend_export"], lambda s, a: s.mark(file_of(a))),
    (ExportSource, "fail"): Account(["update ai_spend_export"], lambda s, a: s.fail(file_of(a))),
    (ExportSource, "release"): Account(
        ["update ai_spend_export"], lambda s, a: s.release([file_of(a)])
    ),
    (ExportSource, "count_left"): Account(
        ["update ai_spend_export"], lambda s, _: s.count_left(now(), period_containing(now()))
    ),
    (ExportSource, "list_charges"): Account(
        ["read group_member in acme"],
        lambda s, a: s.list_charges(a.organizations["acme"], period_containing(now()), None),
    ),
}
