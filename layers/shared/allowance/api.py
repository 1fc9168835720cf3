"""The HTTP border: credential -> caller, event -> arguments, errors -> statuses, the feature gate.

An Api holds one route. Which error wins is the order of `_serve`: 401, then a bad path id, then a group that the caller
may not read, then the feature gate, then what was sent, then what the store refuses.
"""

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from time import perf_counter
from typing import Any, get_type_hints
from uuid import UUID

from pydantic import BaseModel, TypeAdapter

from allowance import errors
from allowance.credential import credential_of
from allowance.errors import AllowanceError
from allowance.headers import preflight_headers, standing_headers
from allowance.jobs import LambdaContext
from allowance.log import cause_of, logger
from allowance.metrics import count_request
from allowance.models import Body, GroupBudget
from allowance.parameters import Query
from allowance.precondition import Precondition
from allowance.request import Request
from allowance.session import open_store, take_database_ms
from allowance.settings import settings
from allowance.store import Store

STATUSES: Mapping[type[AllowanceError], int] = {
    errors.InvalidUUID: 400,
    errors.InvalidJSON: 400,
    errors.ValidationFailed: 400,
    errors.InvalidSpendLimit: 400,
    errors.InvalidQuery: 400,
    errors.Unauthenticated: 401,
    errors.BudgetsNotEnabled: 403,
    errors.NotFound: 404,
    errors.RouteNotFound: 404,
    errors.MethodNotAllowed: 405,
    errors.BudgetChanged: 412,
    errors.BodyTooLarge: 413,
    errors.UnsupportedMediaType: 415,
    errors.DatabaseUnavailable: 503,
}
"""An error that is not named here is answered as the nearest of its parents that is, in that one's words."""

INTERNAL_ERROR = b'{"message":"An internal server error occurred."}'
RETRY_AFTER_SECONDS = 1
MAX_PROBLEMS = 1000
"""Told of one body. A Lambda may answer 6 MB, and a body of a mebibyte can have more wrong with it than that."""

type Answer = dict[str, Any]


@dataclass(frozen=True)
class Route:
    """A method and a path template, the function that serves it, and whether it wants a credential."""

    method: str
    path: str
    function: Callable[..., Any]
    public: bool

    @cached_property
    def parameters(self) -> Mapping[str, Any]:
        """The function's parameters with their types, and `return`."""
        return get_type_hints(self.function, include_extras=True)

    @property
    def is_gated(self) -> bool:
        return "/ai/" in self.path


class Api:
    """One Lambda's border. `handler` is what the template names."""

    def __init__(self) -> None:
        self.route = Route("", "", _no_route, public=True)
        self._cold = True

    def get[F: Callable[..., Any]](self, path: str, *, public: bool = False) -> Callable[[F], F]:
        return self._serving("GET", path, public=public)

    def put[F: Callable[..., Any]](self, path: str) -> Callable[[F], F]:
        return self._serving("PUT", path)

    def delete[F: Callable[..., Any]](self, path: str) -> Callable[[F], F]:
        return self._serving("DELETE", path)

    def default[F: Callable[..., Any]](self, function: F) -> F:
        """Serve what no route takes; the function gets the Request."""
        return self._serving("ANY", "$default", public=True)(function)

    def _serving[F: Callable[..., Any]](self, method: str, path: str, *, public: bool = False) -> Callable[[F], F]:
        def register(function: F) -> F:
            self.route = Route(method, path, function, public)
            return function

        return register

    def handler(self, event: Mapping[str, Any], context: LambdaContext) -> Answer:
        """The Lambda handler: every outcome is an answer, and every answer is one line in the log."""
        started = perf_counter()
        request = Request.of(event, context.aws_request_id)
        try:
            answer, reason = _success(request, self._serve(request), self.route.parameters.get("return")), None
        except AllowanceError as error:
            answer, reason = _failure(request, error), type(error).__name__
            if isinstance(error, errors.DatabaseUnavailable):
                logger().warning("database", request_id=request.id, cause=cause_of(error))
        except Exception:
            logger().exception("unforeseen", request_id=request.id, route=f"{self.route.method} {self.route.path}")
            answer, reason = _answer(request, 500, INTERNAL_ERROR), "Unforeseen"
        route = f"{self.route.method} {self.route.path}"
        cold, self._cold = self._cold, False
        count_request(route, reason or "ok", answer["statusCode"], database_ms=take_database_ms(), cold=cold)
        logger().info(
            "request",
            request_id=request.id,
            route=route,
            segments=dict(request.segments),
            status=answer["statusCode"],
            reason=reason,
            duration_ms=round((perf_counter() - started) * 1000, 1),
        )
        return answer

    def _serve(self, request: Request) -> Any:
        """What the function returns, once everything that may be wrong with the request is not."""
        parameters = {name: kind for name, kind in self.route.parameters.items() if name != "return"}
        arguments: dict[str, Any] = {}
        if not self.route.public:
            arguments = _authenticated(request, parameters)
            if self.route.is_gated and not settings().ai_budgets_enabled:
                raise errors.BudgetsNotEnabled
        if not any(inspect.isclass(kind) and issubclass(kind, (Query, Request)) for kind in parameters.values()):
            request.query(Query)  # takes none: an unknown parameter is refused, not ignored
        for name, kind in parameters.items():
            if name not in arguments:
                arguments[name] = _argument(request, kind)
        return self.route.function(**arguments)


def _authenticated(request: Request, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The store of the caller and the ids of the path, both from one trip."""
    credential = credential_of(request.headers)
    arguments: dict[str, Any] = {}
    bad_id: errors.InvalidUUID | None = None
    for name in request.segments.keys() & parameters.keys():
        if parameters[name] is UUID:
            try:
                arguments[name] = request.uuid(name)
            except errors.InvalidUUID as error:
                bad_id = error
    store = open_store(
        credential,
        group_id=arguments.get("group"),
        organization=_organization(request),
        request_id=request.id,
    )
    if bad_id is not None:
        raise bad_id
    if "group" in arguments:
        store.see_group(arguments["group"])
    return arguments | {name: store for name, kind in parameters.items() if kind is Store}


def _organization(request: Request) -> UUID | str | None:
    """An organization is named in a path by its UUID or its name; a name that cannot be one names none."""
    if "organization" not in request.segments:
        return None
    try:
        return request.uuid("organization")
    except errors.InvalidUUID:
        name = request.segments["organization"]
        return name if name.isprintable() else None


def _argument(request: Request, kind: Any) -> Any:
    if kind is Request:
        return request
    if kind is Precondition:
        return Precondition.of(request.headers)
    if issubclass(kind, Body):
        return request.json_body(kind)
    if issubclass(kind, Query):
        return request.query(kind)
    raise TypeError(f"A route cannot have a parameter of type {kind!r}.")


def _success(request: Request, result: Any, returns: Any) -> Answer:
    if result is None:
        return _answer(request, 204, None)
    headers = {"ETag": result.etag} if isinstance(result, GroupBudget) else {}
    if isinstance(result, BaseModel):
        return _answer(request, 200, result.model_dump_json().encode(), headers)
    return _answer(request, 200, _adapter(returns).dump_json(result), headers)


@cache
def _adapter(returns: Any) -> TypeAdapter[Any]:
    """How a type that is no model is written as JSON; worked out once."""
    return TypeAdapter(returns)


def _failure(request: Request, error: AllowanceError) -> Answer:
    public = next(parent for parent in type(error).__mro__ if parent in STATUSES)
    body: dict[str, Any] = {"message": error.message or public.__doc__}
    headers: dict[str, str] = {}
    match error:
        case errors.ValidationFailed():
            told, more = error.problems[:MAX_PROBLEMS], len(error.problems) - MAX_PROBLEMS
            body |= {"detail": f"And {more} problems more."} if more > 0 else {}
            body["validations"] = [{"field": each.field, "detail": each.detail} for each in told]
        case errors.Unauthenticated():
            headers["WWW-Authenticate"] = "Bearer"
        case errors.MethodNotAllowed():
            if granted := preflight_headers(request.method, request.headers, error.allow):
                return _answer(request, 204, None, granted)
            headers["Allow"] = error.allow
        case errors.DatabaseUnavailable():
            headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        case _:
            pass
    if error.detail is not None:
        body["detail"] = error.detail
    return _answer(request, STATUSES[public], json.dumps(body, separators=(",", ":")).encode(), headers)


def _answer(request: Request, status: int, body: bytes | None, headers: Mapping[str, str] | None = None) -> Answer:
    content_type = {} if body is None else {"Content-Type": "application/json; charset=utf-8"}
    return {
        "statusCode": status,
        "headers": {
            **content_type,
            **standing_headers(request.id, request.headers),
            **(headers or {}),
        },
        "body": (body or b"").decode(),
    }


def _no_route(request: Request) -> None:
    raise errors.RouteNotFound
