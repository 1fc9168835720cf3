"""A secret of AWS Secrets Manager, over HTTP. Importing the SDK would be most of a cold start."""

import json
from datetime import UTC, datetime
from typing import Any, cast
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from allowance.aws.settings import aws_credentials, secrets_manager_url
from allowance.aws.signature import signed_headers
from allowance.errors import DatabaseUnavailable
from allowance.settings import BadSetting

TIMEOUT_SECONDS = 3
BUSY_STATUSES = (429, 500, 502, 503, 504)


def fetch_secret(arn: str) -> dict[str, Any]:
    """Return the JSON object in the current version of a secret.

    Raise BadSetting, with the error of AWS, and DatabaseUnavailable while Secrets Manager does not
    respond.
    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
    """
    credentials = aws_credentials()
    url = secrets_manager_url(credentials.region)
    body = json.dumps({"SecretId": arn}).encode()
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "host": urlsplit(url).netloc,
        "x-amz-target": "secretsmanager.GetSecretValue",
    }
    signed = signed_headers("secretsmanager", headers, body, credentials, datetime.now(UTC))
    try:
        request = Request(url, body, signed)  # noqa: S310 (the URL is no caller's)
        with urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310
            secret = json.loads(json.load(response)["SecretString"])
    except HTTPError as refusal:
        reason = refusal.read()
        if refusal.code in BUSY_STATUSES or b"ThrottlingException" in reason:
            raise DatabaseUnavailable from refusal
        # The reason names the secret and the role, and never a value.
        raise BadSetting(
            f"The secret {arn} cannot be read: {reason.decode(errors='replace')}"
        ) from None
    except OSError as unreachable:
        raise DatabaseUnavailable from unreachable
    except (KeyError, ValueError):
        # Neither the value nor the parser's message, which quotes it, may reach a log.
        raise BadSetting(f"The secret {arn} holds no JSON.") from None
    if not isinstance(secret, dict):
        raise BadSetting(f"The secret {arn} holds no JSON object.")
    return cast("dict[str, Any]", secret)
