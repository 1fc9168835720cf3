"""GET /api/v2/audit: list who changed what, newest first."""

from allowance.audit.models import AuditPage, AuditQuery
from allowance.audit.store import AuditStore
from allowance.http.api import Api

app = Api()


@app.get("/api/v2/audit")
def list_audit(store: AuditStore, query: AuditQuery) -> AuditPage:
    return store.list_audit(query)


handler = app.handler
