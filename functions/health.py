"""Health, and the response to a request that matches no route. Neither needs a credential."""

from typing import NoReturn

from allowance.http.api import Api
from allowance.http.health import Health, HealthQuery, check
from allowance.http.request import Request
from allowance.http.routes import unrouted

app = Api()


@app.get("/healthz", public=True)
def healthz(query: HealthQuery) -> Health:
    """Check that the service runs, without a credential. `?database=1` checks the database too."""
    return check(query)


@app.default
def route_not_found(request: Request) -> NoReturn:
    """Raise the error of 404 or 405, in the shape of the contract."""
    raise unrouted(request.path)


handler = app.handler
