"""What every request has: a checked address, the token, and how many there may be at once."""

import re

import httpx

MAX_CONNECTIONS = 100
USER_AGENT = "allowance-client/0.1.0"


def checked_url(url: str) -> str:
    """Return the address without a slash at its end. Raise ValueError unless it is an address that
    can have no password in it.
    """
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError):
        raise ValueError("The address of Allowance is not a URL.") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ValueError("The address of Allowance must begin with https:// or http://.")
    if parsed.userinfo or parsed.query or parsed.fragment:
        raise ValueError("The address of Allowance may have no user, query or fragment.")
    return url.rstrip("/")


def http_headers(token: str) -> dict[str, str]:
    """Return the headers of every request. Raise ValueError if the token cannot be one."""
    # httpx names a header that it cannot send, so a token with a line break would be in the log.
    if not re.fullmatch(r"[\x21-\x7e]+", token):
        raise ValueError("The token is empty, or has characters that no token has.")
    return {
        "Authorization": f"Bearer {token}",
        "Accept": "application/json",
        "User-Agent": USER_AGENT,
    }


def http_limits() -> httpx.Limits:
    """Return how many connections there may be."""
    return httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS)
