"""GET /api/v2/organizations/{organization}/ai/spend/export: get a month of the organization's spend
as CSV, page by page.
"""

from allowance.exports.spend_csv import ExportQuery
from allowance.exports.store import ExportStore
from allowance.http.api import Api
from allowance.tables.csv import CsvPage

app = Api()


@app.get("/api/v2/organizations/{organization}/ai/spend/export")
def get_spend_export(store: ExportStore, query: ExportQuery) -> CsvPage:
    return store.export(query)


handler = app.handler
