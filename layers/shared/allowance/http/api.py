"""The HTTP border: credential -> caller, event -> arguments, errors -> statuses, the feature gate.

An Api holds the routes of one function and picks one by the `routeKey` of the event. Which error
wins is the order of `_serve`: 401, then a bad path id, then a group or user that the caller may not
read, then the feature gate, then prices that the caller may not touch, then what was sent, then
what the store refuses.
"""

import inspect
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any
from uuid import UUID

from allowance import errors
from allowance.access.session import open_store, take_database_ms
from allowance.access.store import CallerStore
from allowance.access.tokens import credential_of
from allowance.aws.lambda_context import LambdaContext
from allowance.contract.fields import Body
from allowance.contract.preconditions import Precondition
from allowance.contract.query import Query
from allowance.errors import AllowanceError
from allowance.http.request import Request
from allowance.http.responses import INTERNAL_ERROR, Answer, answer_of, failure, success
from allowance.http.route import DEFAULT_PATH, DuplicateRoute, Route
from allowance.log import cause_of, logger
from allowance.metrics import count_request
from allowance.rbac.policy import Action
from allowance.settings import settings


class Api:
    """One Lambda's border: its routes by their key. `handler` is what the template names.

    A function with several paths serves each of them as a route of its own.
    """

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {}
        self._cold = True

    def get[F: Callable[..., Any]](
        self, *paths: str, public: bool = False, needs: Action | None = None
    ) -> Callable[[F], F]:
        return self._serving("GET", paths, public=public, needs=needs)

    def post[F: Callable[..., Any]](
        self, *paths: str, needs: Action | None = None
    ) -> Callable[[F], F]:
        return self._serving("POST", paths, needs=needs)

    def put[F: Callable[..., Any]](self, *paths: str) -> Callable[[F], F]:
        return self._serving("PUT", paths)

    def delete[F: Callable[..., Any]](
        self, *paths: str, needs: Action | None = None
    ) -> Callable[[F], F]:
        return self._serving("DELETE", paths, needs=needs)

    def default[F: Callable[..., Any]](self, function: F) -> F:
        """Serve what no route takes; the function gets the Request."""
        return self._serving("ANY", (DEFAULT_PATH,), public=True)(function)

    def _serving[F: Callable[..., Any]](
        self,
        method: str,
        paths: tuple[str, ...],
        *,
        public: bool = False,
        needs: Action | None = None,
    ) -> Callable[[F], F]:
        def register(function: F) -> F:
            for path in paths:
                route = Route(method, path, function, public, needs)
                if route.key in self.routes:
                    raise DuplicateRoute(route.key)
                self.routes[route.key] = route
            return function

        return register

    def handler(self, event: Mapping[str, Any], context: LambdaContext) -> Answer:
        """The Lambda handler: every outcome is an answer, and every answer is one line
        in the log.
        """
        started = perf_counter()
        request = Request.of(event, context.aws_request_id)
        route = self.routes.get(event.get("routeKey", ""), NO_ROUTE)
        try:
            answer, reason = (
                success(request, _serve(route, request), route.parameters.get("return")),
                None,
            )
        except AllowanceError as error:
            answer, reason = failure(request, error), type(error).__name__
            if isinstance(error, errors.DatabaseUnavailable):
                logger().warning("database", request_id=request.id, cause=cause_of(error))
        except Exception:
            logger().exception("unforeseen", request_id=request.id, route=route.name)
            answer, reason = answer_of(request, 500, INTERNAL_ERROR), "Unforeseen"
        cold, self._cold = self._cold, False
        count_request(
            route.name,
            reason or "ok",
            answer["statusCode"],
            database_ms=take_database_ms(),
            cold=cold,
        )
        logger().info(
            "request",
            request_id=request.id,
            route=route.name,
            segments=dict(request.segments),
            status=answer["statusCode"],
            reason=reason,
            duration_ms=round((perf_counter() - started) * 1000, 1),
        )
        return answer


def _no_route(request: Request) -> None:
    raise errors.RouteNotFound


NO_ROUTE = Route("ANY", "$unknown", _no_route, public=True)
"""Serves an event whose key the function has no route for."""


def _serve(route: Route, request: Request) -> Any:
    """What the function returns, once everything that may be wrong with the request is not."""
    parameters = {name: kind for name, kind in route.parameters.items() if name != "return"}
    arguments: dict[str, Any] = {}
    if not route.public:
        store, arguments = _authenticated(request, parameters)
        if route.is_gated and not settings().ai_budgets_enabled:
            raise errors.BudgetsNotEnabled
        if route.needs is not None:
            store.require(route.needs)
    if not any(
        inspect.isclass(kind) and issubclass(kind, (Query, Request)) for kind in parameters.values()
    ):
        request.query(Query)  # takes none: an unknown parameter is refused, not ignored
    for name, kind in parameters.items():
        if name not in arguments:
            arguments[name] = _argument(request, name, kind)
    return route.function(**arguments)


def _authenticated(
    request: Request, parameters: Mapping[str, Any]
) -> tuple[CallerStore, dict[str, Any]]:
    """The store of the caller and the ids of the path, both from one trip."""
    credential = credential_of(request.headers)
    arguments: dict[str, Any] = {}
    bad_id: errors.InvalidUUID | None = None
    for name, kind in parameters.items():
        if kind is UUID:
            try:
                arguments[name] = request.uuid(name)
            except errors.InvalidUUID as error:
                bad_id = error
    stores = {
        name: kind
        for name, kind in parameters.items()
        if inspect.isclass(kind) and issubclass(kind, CallerStore)
    }
    store = open_store(
        next(iter(stores.values()), CallerStore),
        credential,
        group_id=arguments.get("group"),
        organization=_named(request, "organization"),
        user=_named(request, "user"),
        request_id=request.id,
    )
    if bad_id is not None:
        raise bad_id
    store.see_path()
    return store, arguments | dict.fromkeys(stores, store)


def _named(request: Request, segment: str) -> UUID | str | None:
    """An organization or a user is named in a path by UUID or by name; a name that cannot be one
    names none.
    """
    if segment not in request.segments:
        return None
    try:
        return request.uuid(segment)
    except errors.InvalidUUID:
        name = request.segments[segment]
        return name if name.isprintable() else None


def _argument(request: Request, name: str, kind: Any) -> Any:
    if kind is Request:
        return request
    if kind is str:
        return request.segments[name]
    if kind is Precondition:
        return Precondition.of(request.headers)
    if issubclass(kind, Body):
        return request.json_body(kind)
    if issubclass(kind, Query):
        return request.query(kind)
    raise TypeError(f"A route cannot have a parameter of type {kind!r}.")
