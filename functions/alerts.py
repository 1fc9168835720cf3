"""GET /api/v2/organizations/{organization}/ai/alerts: list the alerts of an organization."""

from allowance.alerts.listing import AlertListStore, AlertPage, AlertQuery
from allowance.http.api import Api

app = Api()


@app.get("/api/v2/organizations/{organization}/ai/alerts")
def list_alerts(store: AlertListStore, query: AlertQuery) -> AlertPage:
    return store.list_alerts(query)


handler = app.handler
