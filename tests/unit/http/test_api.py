"""An Api picks the route of an event by its key."""

import json
from typing import Any

import pytest

from allowance.http.api import Api
from allowance.http.health import Health
from allowance.http.request import Request
from allowance.http.route import DuplicateRoute
from tests.gateway import Answer, Context, answer_of, event


def api() -> Api:
    app = Api()

    @app.get("/first", "/twin", public=True)
    def first() -> Health:
        return Health()

    @app.get("/second", public=True)
    def second() -> None:
        pass

    @app.default
    def rest(request: Request) -> None:
        pass

    return app


def answered(app: Api, template: str, **more: Any) -> Answer:
    made = event("GET", template, template=template) | more
    return answer_of(app.handler(made, Context()))


@pytest.mark.parametrize(
    ("template", "status"), [("/first", 200), ("/twin", 200), ("/second", 204), ("$default", 204)]
)
def test_each_event_reaches_the_function_of_its_key(template: str, status: int) -> None:
    assert answered(api(), template).status == status


@pytest.mark.parametrize("key", ["POST /first", "GET /third", "", None])
def test_a_key_without_a_route_is_a_404(key: str | None) -> None:
    assert answered(api(), "/first", routeKey=key).status == 404


@pytest.mark.parametrize("template", ["/first", "/twin", "$default"])
def test_log_and_metric_name_the_route(template: str, capsys: pytest.CaptureFixture[str]) -> None:
    answered(api(), template)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    name = "ANY $default" if template == "$default" else f"GET {template}"
    assert lines
    assert {line["route"] for line in lines if "route" in line} == {name}


def test_a_route_that_is_registered_twice_raises() -> None:
    app = api()
    with pytest.raises(DuplicateRoute, match="GET /twin"):
        app.get("/third", "/twin", public=True)(lambda: None)
    with pytest.raises(DuplicateRoute, match="default"):
        app.default(lambda request: None)


def test_types_are_resolved_for_the_route_that_is_used_and_no_other() -> None:
    app = api()
    answered(app, "/first")
    resolved = {key for key, route in app.routes.items() if "parameters" in route.__dict__}
    assert resolved == {"GET /first"}
