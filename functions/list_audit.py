"""GET /api/v2/audit: who changed what, newest first."""

from allowance.api import Api
from allowance.models import AuditPage
from allowance.parameters import AuditQuery
from allowance.store import Store

app = Api()


@app.get("/api/v2/audit")
def list_audit(store: Store, query: AuditQuery) -> AuditPage:
    return store.list_audit(query)


handler = app.handler
