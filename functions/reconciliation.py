"""What vendors counted beside what the ledger has: store reports of vendors, and compare them."""

from allowance.http.api import Api
from allowance.reconciliation.comparison import ReconciliationStore
from allowance.reconciliation.comparison_models import Reconciliation, ReconciliationQuery
from allowance.reconciliation.models import StoredRows, VendorUsageReport
from allowance.reconciliation.store import VendorUsageStore

app = Api()


@app.post("/api/v2/organizations/{organization}/ai/vendor-usage")
def store_vendor_usage(store: VendorUsageStore, report: VendorUsageReport) -> StoredRows:
    """Store what a vendor counted for the organization, by vendor, account, model and UTC day. A
    row replaces what an earlier one said of the columns that it names.
    """
    return store.store(report)


@app.get("/api/v2/organizations/{organization}/ai/reconciliation")
def get_reconciliation(store: ReconciliationStore, query: ReconciliationQuery) -> Reconciliation:
    """Get by vendor, model and day what the vendor counted, what the ledger has, the difference and
    its likely reasons. It needs read on the spend of all members.
    """
    return store.compare(query)


handler = app.handler
