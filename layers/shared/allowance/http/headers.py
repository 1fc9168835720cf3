"""The headers of every response, and the headers that let a page in a browser read it (CORS).

The border adds the CORS headers itself. API Gateway's own CORS configuration is always on in `sam
local`, even without an allowed origin, so a local test would not show what is deployed.
"""

from collections.abc import Mapping

from allowance.http.settings import cors_origins

SECURITY_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=63072000",
    "X-Content-Type-Options": "nosniff",
}
"""https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers"""

REQUEST_HEADERS = "authorization, coder-session-token, content-type, if-match, if-none-match"
READABLE_HEADERS = "Content-Disposition, ETag, Link, Retry-After, X-Request-Id"
PREFLIGHT_SECONDS = 600


def standing_headers(request_id: str, headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of every response, for a request with these headers (lower-case names)."""
    return {**SECURITY_HEADERS, "X-Request-Id": request_id, **_origin_headers(headers)}


def preflight_headers(method: str, headers: Mapping[str, str], allow: str) -> dict[str, str] | None:
    """Return the headers of the response to a CORS preflight request. None: the request is no
    preflight, or its origin is not allowed.

    `allow` lists the methods of the path. https://fetch.spec.whatwg.org/#cors-preflight-fetch
    """
    if (
        method != "OPTIONS"
        or "access-control-request-method" not in headers
        or not _origin_headers(headers)
    ):
        return None
    return {
        "Access-Control-Allow-Methods": allow,
        "Access-Control-Allow-Headers": REQUEST_HEADERS,
        "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
    }


def _origin_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the CORS headers of an allowed origin, else none. They allow no credentials: a script
    sends the token, never the browser by itself.
    """
    origin = headers.get("origin")
    if origin is None or origin not in cors_origins():
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": READABLE_HEADERS,
        "Vary": "Origin",
    }
