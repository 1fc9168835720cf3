"""The errors that a route may respond with, in the OpenAPI document."""

import json
from typing import Any

from allowance import errors
from allowance.contract.fields import Body
from allowance.contract.preconditions import Precondition
from allowance.errors import AllowanceError
from allowance.http.responses import INTERNAL_ERROR, STATUSES
from allowance.http.route import Route
from local.openapi_fragments import REF_TEMPLATE, REQUEST_ID

OF_RESERVATIONS: dict[tuple[str, bool], set[type[AllowanceError]]] = {
    ("POST", False): {errors.RequestRefused, errors.ReservationConflict},
    ("POST", True): {errors.ReservationConflict, errors.ReservationClosed},
    ("DELETE", False): {errors.ReservationClosed},
}
"""What reserving, settling and releasing raise beside the errors of every route."""

NEVER_ABSENT = ("/api/v2/audit", "/api/v2/organizations")
"""Lists that are empty for a caller who may read nothing: no 404."""

MAY_READ = ". If you may read it but not change it, `detail` names the roles that may."
"""Ends the description of 404: who may not read gets no detail."""


def failures(route: Route, kinds: list[type]) -> dict[str, Any]:
    """Return the failures of a route whose parameters have these types, by status."""
    raised: set[type[AllowanceError]] = {errors.InvalidQuery}
    if not route.public:
        raised |= {errors.Unauthenticated}
        raised |= (
            {errors.NotFound}
            if route.path not in NEVER_ABSENT
            and (not route.needs or route.hides_object or "{" in route.path)
            else set()
        )
    if route.needs and not route.hides_object:
        raised |= {errors.Forbidden}
    if "{held}" in route.path:
        raised |= {errors.AlreadyDecided}
    if "/ai/reservations" in route.path and route.method != "GET":
        raised |= OF_RESERVATIONS[route.method, route.path.endswith("/settle")]
    if route.key == "POST /api/v2/users/{user}/tokens":
        raised |= {errors.TokenNameTaken, errors.TooManyTokens}
    if route.is_gated:
        raised |= {errors.BudgetsNotEnabled}
    if any(issubclass(kind, Body) for kind in kinds):
        raised |= {
            errors.BodyTooLarge,
            errors.UnsupportedEncoding,
            errors.UnsupportedMediaType,
        }
    if Precondition in kinds:
        is_budget = "/budget" in route.path
        raised |= {errors.BudgetChanged if is_budget else errors.ChangedMeanwhile}
    raised |= {errors.DatabaseUnavailable}
    by_status: dict[int, str] = {}
    for error in sorted(raised, key=lambda each: each.__name__):
        by_status[STATUSES[error]] = " ".join(
            filter(None, (by_status.get(STATUSES[error]), str(error.__doc__)))
        )
    if STATUSES[errors.NotFound] in by_status and route.method != "GET":
        by_status[STATUSES[errors.NotFound]] += MAY_READ
    by_status |= {
        400: "The request is invalid; the message says why.",
        500: json.loads(INTERNAL_ERROR)["message"],
    }
    return {str(status): _failure(status, text) for status, text in sorted(by_status.items())}


def _failure(status: int, text: str) -> dict[str, Any]:
    headers = {"X-Request-Id": REQUEST_ID}
    if status == STATUSES[errors.DatabaseUnavailable]:
        headers["Retry-After"] = {"description": "Seconds.", "schema": {"type": "integer"}}
    content = {"application/json": {"schema": {"$ref": REF_TEMPLATE.format(model="Error")}}}
    return {"description": text, "headers": headers, "content": content}
