"""GET /api/v2/organizations/{organization}/ai/spend/export: a month of the organization's spend as CSV, by pages."""

from allowance.api import Api
from allowance.csv_file import CsvPage
from allowance.export_store import ExportStore
from allowance.exports import ExportQuery

app = Api()


@app.get("/api/v2/organizations/{organization}/ai/spend/export")
def get_spend_export(store: ExportStore, query: ExportQuery) -> CsvPage:
    return store.export(query)


handler = app.handler
