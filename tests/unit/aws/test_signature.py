"""Signature Version 4, against botocore as an independent oracle."""

import string
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import boto3
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from allowance.aws.signature import AwsCredentials, database_token, signed_headers

LETTERS = string.ascii_letters + string.digits
# Session tokens are base64, whose characters must be escaped in a URL.
TOKENS = st.none() | st.text(LETTERS + "+/=", min_size=1, max_size=200)
CREDENTIALS = st.builds(
    AwsCredentials,
    st.text(LETTERS, min_size=16, max_size=20),
    st.text(LETTERS + "+/", min_size=40, max_size=40),
    TOKENS,
    st.sampled_from(["eu-west-1", "us-east-1", "cn-north-1"]),
)
HOSTS = st.sampled_from(
    ["db.cluster-abc.eu-west-1.rds.amazonaws.com", "proxy.proxy-abc.eu-west-1.rds.amazonaws.com"]
)


def time_of(stamp: str) -> datetime:
    return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def parameters_of(token: str) -> dict[str, str]:
    """What a token says; the order in which it says it is free, since the signature is over the
    sorted query.
    """
    server, _, query = token.partition("/?")
    return {"server": server, **dict(parse_qsl(query, strict_parsing=True))}


@given(
    CREDENTIALS,
    HOSTS,
    st.integers(1, 65535) | st.just(443),
    st.text(LETTERS + "_@+ /", min_size=1, max_size=63),
)
def test_a_database_token_is_botocores(
    credentials: AwsCredentials, host: str, port: int, user: str
) -> None:
    request = AWSRequest(
        "GET",
        f"https://{host}:{port}/?"
        + urlencode({"Action": "connect", "DBUser": user}, quote_via=quote),
    )
    SigV4QueryAuth(keys_of(credentials), "rds-db", credentials.region, expires=900).add_auth(
        request
    )
    expected = parameters_of(request.url.removeprefix("https://"))
    token = database_token(host, port, user, credentials, time_of(expected["X-Amz-Date"]))
    assert parameters_of(token) == expected


def test_a_database_token_is_the_one_of_aws_own_client() -> None:
    credentials = AwsCredentials("AKID", "key", "token+/=", "eu-west-1")
    client: Any = boto3.client(
        "rds",
        "eu-west-1",
        aws_access_key_id="AKID",
        aws_secret_access_key="key",
        aws_session_token="token+/=",
    )
    expected = parameters_of(
        client.generate_db_auth_token(
            DBHostname="db.example", Port=5432, DBUsername="allowance_routes"
        )
    )
    token = database_token(
        "db.example", 5432, "allowance_routes", credentials, time_of(expected["X-Amz-Date"])
    )
    assert parameters_of(token) == expected


@given(CREDENTIALS, st.binary(max_size=300))
def test_a_signed_request_is_botocores(credentials: AwsCredentials, body: bytes) -> None:
    url = f"https://secretsmanager.{credentials.region}.amazonaws.com"
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "host": url.removeprefix("https://"),
        "x-amz-target": "secretsmanager.GetSecretValue",
    }
    request = AWSRequest("POST", f"{url}/", dict(headers), body)
    SigV4Auth(keys_of(credentials), "secretsmanager", credentials.region).add_auth(request)
    expected = {name.lower(): value for name, value in request.headers.items()}
    ours = signed_headers(
        "secretsmanager", headers, body, credentials, time_of(expected["x-amz-date"])
    )
    assert ours == expected


def keys_of(credentials: AwsCredentials) -> Credentials:
    return Credentials(
        credentials.access_key_id, credentials.secret_access_key, credentials.session_token
    )


def test_credentials_do_not_show_when_they_are_printed() -> None:
    assert "shown" not in repr(AwsCredentials("AKID", "shown", "shown too", "eu-west-1"))
