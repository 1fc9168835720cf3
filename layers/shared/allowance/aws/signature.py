"""AWS Signature Version 4, for the two requests that a cold start may need: a database token and a
secret.

The code is ours, because botocore takes 0.4 s to import, most of a cold start. A test compares
every byte with botocore's signature. Source:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from urllib.parse import quote, urlencode

ALGORITHM = "AWS4-HMAC-SHA256"
HTTPS_PORT = 443
TOKEN_LIFETIME_SECONDS = 900
"""RDS accepts no longer lifetime. It checks the token only when a session begins."""


@dataclass(frozen=True)
class AwsCredentials:
    """The credentials of the function's role, as Lambda puts them into the environment."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(repr=False)
    region: str


def database_token(
    host: str, port: int, user: str, credentials: AwsCredentials, now: datetime
) -> str:
    """Return a password for IAM authentication at RDS: a presigned URL without its scheme. Sends
    no request.

    docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.Connecting.html
    """
    scope = _scope("rds-db", credentials, now)
    query = {
        "Action": "connect",
        "DBUser": user,
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{credentials.access_key_id}/{scope}",
        "X-Amz-Date": _stamp(now),
        "X-Amz-Expires": str(TOKEN_LIFETIME_SECONDS),
        "X-Amz-SignedHeaders": "host",
    }
    if credentials.session_token is not None:
        query["X-Amz-Security-Token"] = credentials.session_token
    canonical_query = urlencode(sorted(query.items()), quote_via=quote, safe="-_.~")
    # The Host header of a request leaves out the default port of its scheme (RFC 9110, 7.2).
    authority = host if port == HTTPS_PORT else f"{host}:{port}"
    signature = _signature(
        "GET", canonical_query, {"host": authority}, b"", scope, credentials, now
    )
    return f"{host}:{port}/?{canonical_query}&X-Amz-Signature={signature}"


def signed_headers(
    service: str,
    headers: Mapping[str, str],
    body: bytes,
    credentials: AwsCredentials,
    now: datetime,
) -> dict[str, str]:
    """Return the headers of a POST to `/` and the headers that sign it. `headers` has lower-case
    names and includes `host`.
    """
    signed = {**headers, "x-amz-date": _stamp(now)}
    if credentials.session_token is not None:
        signed["x-amz-security-token"] = credentials.session_token
    scope = _scope(service, credentials, now)
    signature = _signature("POST", "", signed, body, scope, credentials, now)
    names = ";".join(sorted(signed))
    authorization = (
        f"{ALGORITHM} Credential={credentials.access_key_id}/{scope}, SignedHeaders={names}, "
        f"Signature={signature}"
    )
    return {**signed, "authorization": authorization}


def _signature(
    method: str,
    query: str,
    headers: Mapping[str, str],
    body: bytes,
    scope: str,
    credentials: AwsCredentials,
    now: datetime,
) -> str:
    canonical_headers = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    request = "\n".join(
        [
            method,
            "/",
            query,
            canonical_headers,
            ";".join(sorted(headers)),
            sha256(body).hexdigest(),
        ],
    )
    to_sign = "\n".join([ALGORITHM, _stamp(now), scope, sha256(request.encode()).hexdigest()])
    key = f"AWS4{credentials.secret_access_key}".encode()
    for part in (*scope.split("/"), to_sign):
        key = hmac.digest(key, part.encode(), "sha256")
    return key.hex()


def _scope(service: str, credentials: AwsCredentials, now: datetime) -> str:
    return f"{now:%Y%m%d}/{credentials.region}/{service}/aws4_request"


def _stamp(now: datetime) -> str:
    return f"{now:%Y%m%dT%H%M%SZ}"
