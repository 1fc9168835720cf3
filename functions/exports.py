"""The whole spend of an organization: as CSV, and in the reports of Coder's clients."""

from allowance.exports.report_store import ReportStore
from allowance.exports.reports import (
    SpendDetails,
    SpendDetailsQuery,
    UsersReport,
    UsersReportQuery,
)
from allowance.exports.spend_csv import ExportQuery
from allowance.exports.store import ExportStore
from allowance.http.api import Api
from allowance.tables.csv import CsvPage

SPEND = "organizations/{organization}/ai/spend"

app = Api()


@app.get(f"/api/v2/{SPEND}/export")
def get_spend_export(store: ExportStore, query: ExportQuery) -> CsvPage:
    """Get a month of the organization's spend as CSV, page by page; or with Coder's parameters
    (`period_start`, `period_end`, `user_id`, `group_id`, `provider_name`, `model`) its spend in a
    period as one file in Coder's form.
    """
    return store.export(query)


@app.get(f"/api/v2/{SPEND}/users", f"/api/experimental/{SPEND}/users")
def list_spend_by_user(store: ReportStore, query: UsersReportQuery) -> UsersReport:
    """List the users who spent something in a period, the most expensive first, with the totals."""
    return store.list_users(query)


@app.get(f"/api/v2/{SPEND}")
def list_spend_details(store: ReportStore, query: SpendDetailsQuery) -> SpendDetails:
    """List spend in a period by user, group, provider, the provider's name, and model."""
    return store.list_details(query)


handler = app.handler
