"""GET /healthz: alive, without a credential and without a database; with `?database=1` the database
is tried too.
"""

from allowance.access.session import ping_database
from allowance.contract.fields import Health
from allowance.contract.query import HealthQuery
from allowance.http.api import Api

app = Api()


@app.get("/healthz", public=True)
def healthz(query: HealthQuery) -> Health:
    if query.database == "1":
        ping_database()
    return Health()


handler = app.handler
