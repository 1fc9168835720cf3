"""The headers that every answer carries, and those that let a browser's page read it (CORS).

The border answers for origins itself, not the API's own CORS configuration: that one exists for
`sam local` even where no origin is allowed, so what is tried locally would not be what is deployed.
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
    """What every answer carries, to a request with these headers (lower-case names)."""
    return {**SECURITY_HEADERS, "X-Request-Id": request_id, **_origin_headers(headers)}


def preflight_headers(method: str, headers: Mapping[str, str], allow: str) -> dict[str, str] | None:
    """What a browser is told that asks what a page may do; None when nobody asks, or the page may
    do nothing.

    `allow` are the methods of the path. https://fetch.spec.whatwg.org/#cors-preflight-fetch
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
    """No credentials are allowed: a token is sent by a script, never by a browser of itself."""
    origin = headers.get("origin")
    if origin is None or origin not in cors_origins():
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": READABLE_HEADERS,
        "Vary": "Origin",
    }
