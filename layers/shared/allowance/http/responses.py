"""Responses: a result or an error as status, headers and body, in the shapes of the contract."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlencode

from pydantic import BaseModel, TypeAdapter

from allowance import errors
from allowance.contract.fields import Created, Versioned
from allowance.contract.money import with_dollars
from allowance.errors import AllowanceError
from allowance.http.encodings import ENCODING
from allowance.http.files import HtmlPage, JsonDocument, Redirect
from allowance.http.headers import preflight_headers, standing_headers
from allowance.http.request import Request
from allowance.log import logger
from allowance.tables.csv import MEDIA_TYPE, CsvPage

STATUSES: Mapping[type[AllowanceError], int] = {
    errors.InvalidUUID: 400,
    errors.InvalidJSON: 400,
    errors.ValidationFailed: 400,
    errors.InvalidSpendLimit: 400,
    errors.InvalidModelPrices: 400,
    errors.InvalidQuery: 400,
    errors.NotAGroupMember: 400,
    errors.Unauthenticated: 401,
    errors.BudgetsNotEnabled: 403,
    errors.Forbidden: 403,
    errors.RequestRefused: 403,
    errors.NotFound: 404,
    errors.RouteNotFound: 404,
    errors.MethodNotAllowed: 405,
    errors.AlreadyDecided: 409,
    errors.BudgetNameTaken: 409,
    errors.TokenNameTaken: 409,
    errors.TooManyTokens: 409,
    errors.ReservationConflict: 409,
    errors.ReservationClosed: 409,
    errors.BudgetChanged: 412,
    errors.ChangedMeanwhile: 412,
    errors.BodyTooLarge: 413,
    errors.UnsupportedMediaType: 415,
    errors.UnsupportedEncoding: 415,
    errors.DatabaseUnavailable: 503,
    errors.UsageKeyTaken: 503,
}
"""An error that is missing here gets the status and the message of its nearest parent that is
here.
"""

INTERNAL_ERROR = b'{"message":"An internal server error occurred."}'
JSON_TYPE = "application/json; charset=utf-8"
RETRY_AFTER_SECONDS = 1
MAX_PROBLEMS = 1000
"""Most problems in one response. A Lambda's response has at most 6 MB, and the problems of a body
of a mebibyte can need more.
"""

type Response = dict[str, Any]


def success(request: Request, result: Any, returns: Any) -> Response:
    """Return the response with the result of a function. `returns` is its return annotation."""
    if result is None:
        return response_of(request, 204, None)
    if isinstance(result, CsvPage):
        return _csv(request, result)
    if isinstance(result, HtmlPage | JsonDocument | Redirect):
        return _file(request, result)
    headers = {"ETag": result.etag} if isinstance(result, Versioned) else {}
    if isinstance(result, BaseModel):
        status = 201 if isinstance(result, Created) else 200
        return response_of(request, status, result.model_dump_json().encode(), headers)
    return response_of(request, 200, _adapter(returns).dump_json(result), headers)


def _csv(request: Request, page: CsvPage) -> Response:
    """Return a file to save. The link has a query only, which refers to the same path (RFC 8288,
    RFC 3986).
    """
    headers = {
        "Content-Type": MEDIA_TYPE,
        "Content-Disposition": f'attachment; filename="{page.file_name}"',
    }
    if page.next is not None:
        headers["Link"] = f'<?{urlencode(page.next)}>; rel="next"'
    return _response(request, 200, page.content, headers)


def _file(request: Request, file: HtmlPage | JsonDocument | Redirect) -> Response:
    """Return a response with the text of a file as it is, or with another address."""
    match file:
        case Redirect():
            return _response(request, 302, "", {"Location": file.location})
        case JsonDocument():
            return _response(request, 200, file.content, {"Content-Type": JSON_TYPE})
        case HtmlPage():
            headers = {
                "Content-Type": "text/html; charset=utf-8",
                "Content-Security-Policy": file.content_security_policy,
            }
            return _response(request, 200, file.content, headers)


@cache
def _adapter(returns: Any) -> TypeAdapter[Any]:
    """Return the serializer of a type that is no model. Built once for each type."""
    return TypeAdapter(returns)


def failure(request: Request, error: AllowanceError) -> Response:
    """Return the response to an error, with its own message or the message of its nearest parent
    that has a status. An error without a status is logged, and is a 500.
    """
    public = next((parent for parent in type(error).__mro__ if parent in STATUSES), None)
    if public is None:
        logger().error("unforeseen", request_id=request.id, exc_info=error)
        return response_of(request, 500, INTERNAL_ERROR)
    body: dict[str, Any] = {"message": error.message or public.__doc__}
    details = [error.detail]
    headers: dict[str, str] = {}
    match error:
        case errors.ValidationFailed():
            shown, more = error.problems[:MAX_PROBLEMS], len(error.problems) - MAX_PROBLEMS
            details.append(f"And {more} problems more." if more > 0 else None)
            body["validations"] = [{"field": each.field, "detail": each.detail} for each in shown]
        case errors.Unauthenticated():
            headers["WWW-Authenticate"] = "Bearer"
        case errors.MethodNotAllowed():
            if granted := preflight_headers(request.method, request.headers, error.allow):
                return response_of(request, 204, None, granted)
            headers["Allow"] = error.allow
        case errors.UnsupportedEncoding():
            headers["Accept-Encoding"] = ENCODING
        case errors.RequestRefused():
            body |= {"code": error.code, **error.shown}
        case errors.DatabaseUnavailable():
            headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        case _:
            pass
    if detail := " ".join(filter(None, details)):
        body["detail"] = detail
    return response_of(
        request, STATUSES[public], json.dumps(body, separators=(",", ":")).encode(), headers
    )


def response_of(
    request: Request, status: int, body: bytes | None, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a response of JSON, with dollars beside its amounts; None has no body. It has these
    headers, and those of every response.
    """
    if body is None:
        return _response(request, status, "", headers or {})
    text = with_dollars(body.decode())
    return _response(request, status, text, {"Content-Type": JSON_TYPE, **(headers or {})})


def _response(request: Request, status: int, text: str, headers: Mapping[str, str]) -> Response:
    return {
        "statusCode": status,
        "headers": {**standing_headers(request.id, request.headers), **headers},
        "body": text,
    }
