"""GET /api/v2/audit: who changed what, newest first."""

from allowance.access.store import Store
from allowance.contract.fields import AuditPage
from allowance.contract.query import AuditQuery
from allowance.http.api import Api

app = Api()


@app.get("/api/v2/audit")
def list_audit(store: Store, query: AuditQuery) -> AuditPage:
    return store.list_audit(query)


handler = app.handler
