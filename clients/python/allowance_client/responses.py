"""From the bytes of a response to an Answer or an error. Pure."""

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, cast

from allowance_client.errors import ApiError, Unavailable, Validation

TOO_MANY_REQUESTS = 429
NO_CONTENT = 204
REDIRECTS = range(300, 400)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response of success. `body` is its JSON, else its text; None: it has none."""

    status: int
    body: Any
    headers: Mapping[str, str]
    request_id: str | None


def read_answer(status: int, headers: Mapping[str, str], content: bytes) -> Answer:
    """Return the response. `headers` have names in lower case.

    Raise Unavailable where a retry may succeed: 429, and 500 and above. Raise ApiError for every
    other response that is no success, and for one that Allowance did not send.
    """
    request_id = headers.get("x-request-id")
    if status == TOO_MANY_REQUESTS or status >= 500:
        message = _message(content)
        raise Unavailable(
            f"Allowance responded with {status}{f': {message}' if message else '.'}",
            request_id,
            retry_after_seconds=_retry_after(headers.get("retry-after")),
        )
    if status in REDIRECTS:
        raise ApiError(
            status,
            f"The address leads to {headers.get('location', 'another one')}. Use that one.",
            request_id=request_id,
        )
    if not 200 <= status < 300:
        raise _api_error(status, content, request_id)
    return Answer(status, _body(status, headers, content, request_id), headers, request_id)


def _body(
    status: int, headers: Mapping[str, str], content: bytes, request_id: str | None
) -> Any | None:
    if status == NO_CONTENT:
        return None
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        return json.loads(content) if kind == "application/json" else _text(kind, content)
    except ValueError:
        # A web page behind the address, for one. To take it as a grant would admit everything.
        raise ApiError(
            status,
            f"The response is not one of Allowance: its type is {kind or 'missing'}.",
            detail="Check the address.",
            request_id=request_id,
        ) from None


def _text(kind: str, content: bytes) -> str:
    """Raise ValueError unless the content is a file that Allowance exports."""
    if kind != "text/csv":
        raise ValueError(kind)
    return content.decode()


def _api_error(status: int, content: bytes, request_id: str | None) -> ApiError:
    document = _document(content)
    validations = document.get("validations")
    return ApiError(
        status,
        _text_of(document, "message") or "The response says no reason.",
        detail=_text_of(document, "detail"),
        validations=tuple(
            Validation(str(each.get("field")), str(each.get("detail")))
            for each in _documents(validations)
        ),
        code=_text_of(document, "code"),
        body=document,
        request_id=request_id,
    )


def _message(content: bytes) -> str | None:
    return _text_of(_document(content), "message")


def _document(content: bytes) -> dict[str, Any]:
    """Return the object of an error. Empty: the response has another body."""
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _documents(found: object) -> list[dict[str, Any]]:
    listed = cast("list[Any]", found) if isinstance(found, list) else []
    return [cast("dict[str, Any]", each) for each in listed if isinstance(each, dict)]


def _text_of(document: Mapping[str, Any], name: str) -> str | None:
    found = document.get(name)
    return found if isinstance(found, str) else None


def _retry_after(value: str | None) -> float | None:
    """Return the seconds of a Retry-After, which is a number or a date (RFC 9110). None: neither,
    or a time that has passed.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return None
    return seconds if math.isfinite(seconds) and seconds > 0 else None
