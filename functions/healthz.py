"""GET /healthz: alive, without a credential and without a database; with `?database=1` the database is tried too."""

from allowance.api import Api
from allowance.models import Health
from allowance.parameters import HealthQuery
from allowance.session import ping_database

app = Api()


@app.get("/healthz", public=True)
def healthz(query: HealthQuery) -> Health:
    if query.database == "1":
        ping_database()
    return Health()


handler = app.handler
