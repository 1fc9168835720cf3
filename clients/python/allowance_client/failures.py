"""Whether a vendor can have billed a call that failed, by the error of the call. Pure.

No library of a vendor is imported, so an error is known by its attributes and the name of its type.
"""

from collections.abc import Iterator
from typing import Any, cast

from allowance_client.errors import AllowanceError

TIMED_OUT = (408, 504)
"""With these, the call may have been made, and the response was late."""
NOT_CONNECTED = {
    "ClientConnectorError",
    "ConnectError",
    "ConnectTimeout",
    "ConnectTimeoutError",
    "ConnectionRefusedError",
    "EndpointConnectionError",
    "NameResolutionError",
    "NewConnectionError",
    "PoolTimeout",
    "gaierror",
}
"""Errors of the standard library, httpx, aiohttp, urllib3 and botocore before a request is sent."""


def is_not_billed(error: BaseException) -> bool:
    """Return whether the vendor responded with an error, or no connection to it was made. An error
    of Allowance says nothing about that.
    """
    if isinstance(error, AllowanceError):
        return False
    return any(_refused(each) or _not_connected(each) for each in _causes(error))


def _refused(error: BaseException) -> bool:
    found: Any = error
    response = getattr(found, "response", None)
    for each in (found, response):
        for name in ("status_code", "status"):
            status = getattr(each, name, None)
            if type(status) is int and 400 <= status < 600:
                return status not in TIMED_OUT
    if isinstance(response, dict):
        # As botocore has it.
        metadata: Any = cast("dict[str, Any]", response).get("ResponseMetadata", {})
        return 400 <= int(metadata.get("HTTPStatusCode", 0)) < 600
    return False


def _not_connected(error: BaseException) -> bool:
    return any(each.__name__ in NOT_CONNECTED for each in type(error).__mro__)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, and what it was raised from. What was handled when it was raised
    (`__context__`) may be of an earlier attempt.
    """
    seen: list[BaseException] = []
    found: object = error
    while isinstance(found, BaseException) and found not in seen:
        seen.append(found)
        yield found
        # requests and urllib3 have the cause in an argument or in `reason`.
        inner = getattr(found, "reason", None) or next(iter(found.args), None)
        found = found.__cause__ or inner
