"""Health, and the response to a request that no route takes. Both need no credential."""

from typing import NoReturn

from allowance.http.api import Api
from allowance.http.health import Health, HealthQuery, check
from allowance.http.request import Request
from allowance.http.routes import unrouted

app = Api()


@app.get("/healthz", public=True)
def healthz(query: HealthQuery) -> Health:
    """Alive, without a credential and without a database; with `?database=1` the database is tried
    too.
    """
    return check(query)


@app.default
def route_not_found(request: Request) -> NoReturn:
    """404 or 405, in the shape of the contract."""
    raise unrouted(request.path)


handler = app.handler
