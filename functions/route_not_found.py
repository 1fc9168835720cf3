"""$default: what no route takes is answered in the contract's shape, 404 or 405."""

from typing import NoReturn

from allowance.http.api import Api
from allowance.http.request import Request
from allowance.http.routes import unrouted

app = Api()


@app.default
def route_not_found(request: Request) -> NoReturn:
    raise unrouted(request.path)


handler = app.handler
