"""The HTTP border: credential -> caller, event -> arguments, errors -> statuses, the feature gate.

An Api holds the routes of one function and selects one by the `routeKey` of the event. If several
errors apply, the first in the order of `_serve` wins:

1. 401
2. a path id that is no UUID
3. a group, user or organization that the caller may not read; usage that the caller may not touch
4. the feature gate
5. an action on the price book that the caller may not take
6. the query and the body
7. the refusal of the store: the caller may read, but not change
"""

import inspect
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any
from uuid import UUID

from allowance import errors
from allowance.access.names import Names
from allowance.access.session import open_store, take_database_ms
from allowance.access.store import CallerStore
from allowance.access.tokens import credential_of
from allowance.aws.lambda_context import LambdaContext
from allowance.contract.fields import Body
from allowance.contract.preconditions import Precondition
from allowance.contract.query import NamingQuery, Query
from allowance.errors import AllowanceError
from allowance.http.request import Request
from allowance.http.responses import INTERNAL_ERROR, Response, failure, response_of, success
from allowance.http.route import DEFAULT_PATH, DuplicateRoute, Route
from allowance.log import cause_of, logger
from allowance.metrics import count_request
from allowance.rbac.policy import Action
from allowance.settings import settings


class Api:
    """The border of one Lambda: its routes by their key. The template names `handler`.

    A function with several paths serves each of them as a separate route.
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

    def put[F: Callable[..., Any]](
        self, *paths: str, needs: Action | None = None
    ) -> Callable[[F], F]:
        return self._serving("PUT", paths, needs=needs)

    def delete[F: Callable[..., Any]](
        self, *paths: str, needs: Action | None = None
    ) -> Callable[[F], F]:
        return self._serving("DELETE", paths, needs=needs)

    def default[F: Callable[..., Any]](self, function: F) -> F:
        """Serve every request that no route matches; the function takes the Request."""
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

    def handler(self, event: Mapping[str, Any], context: LambdaContext) -> Response:
        """Return the response to an event, whatever happens, and log it as one line."""
        started = perf_counter()
        request = Request.of(event, context.aws_request_id)
        route = self.routes.get(event.get("routeKey", ""), NO_ROUTE)
        try:
            response, reason = (
                success(request, _serve(route, request), route.parameters.get("return")),
                None,
            )
        except AllowanceError as error:
            response, reason = failure(request, error), type(error).__name__
            if isinstance(error, errors.DatabaseUnavailable):
                logger().warning("database", request_id=request.id, cause=cause_of(error))
        except Exception:
            logger().exception("unforeseen", request_id=request.id, route=route.name)
            response, reason = response_of(request, 500, INTERNAL_ERROR), "Unforeseen"
        cold, self._cold = self._cold, False
        count_request(
            route.name,
            reason or "ok",
            response["statusCode"],
            database_ms=take_database_ms(),
            cold=cold,
        )
        logger().info(
            "request",
            request_id=request.id,
            route=route.name,
            segments=dict(request.segments),
            status=response["statusCode"],
            reason=reason,
            duration_ms=round((perf_counter() - started) * 1000, 1),
        )
        return response


def _no_route(request: Request) -> None:
    raise errors.RouteNotFound


NO_ROUTE = Route("ANY", "$unknown", _no_route, public=True)
"""Serves an event whose key belongs to no route of the function."""


def _serve(route: Route, request: Request) -> Any:
    """Return the result of the route's function. Raise the first error of the request in the order
    of the module.
    """
    parameters = {name: kind for name, kind in route.parameters.items() if name != "return"}
    arguments: dict[str, Any] = {}
    if not route.public:
        store, arguments = _authenticated(route, request)
        if route.needs is not None and route.hides_object:
            store.require(route.needs)
        if route.is_gated and not settings().ai_budgets_enabled:
            raise errors.BudgetsNotEnabled
        if route.needs is not None and not route.hides_object:
            store.require(route.needs)
    if not any(
        inspect.isclass(kind) and issubclass(kind, (Query, Request)) for kind in parameters.values()
    ):
        request.query(Query)  # It has no field: an unknown parameter is refused, not ignored.
    for name, kind in parameters.items():
        if name not in arguments:
            arguments[name] = _argument(request, name, kind)
    return route.function(**arguments)


def _authenticated(route: Route, request: Request) -> tuple[CallerStore, dict[str, Any]]:
    """Return the caller's store and the ids of the path. One round trip. Raise Unauthenticated,
    InvalidUUID, and what the store raises about the path.
    """
    credential = credential_of(request.headers)
    path = {each: _named(request, each) for each in ("group", "organization", "user")}
    arguments: dict[str, Any] = {}
    bad_id: errors.InvalidUUID | None = None
    for name, kind in route.parameters.items():
        # In an organization, a group may have its name in place of its id.
        if kind is UUID and not (name == "group" and path["organization"] is not None):
            try:
                arguments[name] = request.uuid(name)
            except errors.InvalidUUID as error:
                bad_id = error
    bodies = _body_ahead(route, request)
    query = _query_ahead(route, request)
    store = open_store(
        route.store,
        credential,
        look_ups=route.store.look_ups(next(iter(bodies.values()), None), arguments),
        names=Names(
            **path,
            groups=query.group_names if query else (),
            users=query.usernames if query else (),
        ),
        request_id=request.id,
    )
    if bad_id is not None:
        raise bad_id
    store.see_path()
    if route.parameters.get("group") is UUID:
        arguments["group"] = store.path_group_id
    stores = [name for name, kind in route.parameters.items() if kind is route.store]
    return store, arguments | bodies | dict.fromkeys(stores, store)


def _query_ahead(route: Route, request: Request) -> NamingQuery | None:
    """Return the query of a route that may name what to look up. None also for an invalid one,
    which is an error later, if nothing else is wrong.
    """
    kinds = (each for each in route.parameters.values() if inspect.isclass(each))
    try:
        return next((request.query(each) for each in kinds if issubclass(each, NamingQuery)), None)
    except errors.InvalidQuery:
        return None


def _body_ahead(route: Route, request: Request) -> dict[str, Body]:
    """Return the body of a route whose store looks up what it names, by its parameter. Empty: there
    is no body, or it is invalid, which is an error later, if nothing else is wrong.
    """
    if route.store.look_ups.__func__ is CallerStore.look_ups.__func__:
        return {}
    try:
        return {
            name: request.parsed(kind)
            for name, kind in route.parameters.items()
            if inspect.isclass(kind) and issubclass(kind, Body)
        }
    except AllowanceError:
        return {}


def _named(request: Request, segment: str) -> UUID | str | None:
    """Return the UUID or the name in a path segment. None: the route has no such segment. Empty:
    its text cannot be a name.
    """
    if segment not in request.segments:
        return None
    try:
        return request.uuid(segment)
    except errors.InvalidUUID:
        name = request.segments[segment]
        return name if name.isprintable() else ""


def _argument(request: Request, name: str, kind: Any) -> Any:
    if kind is Request:
        return request
    if kind is str:
        return request.segments[name]
    if kind is Precondition:
        return Precondition.of(request.headers)
    if issubclass(kind, Body):
        return request.parsed(kind)
    if issubclass(kind, Query):
        return request.query(kind)
    raise TypeError(f"A route cannot have a parameter of type {kind!r}.")
