"""One secret out of AWS Secrets Manager, over HTTP: no SDK, whose import would be most of a cold
start.
"""

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
    """The JSON object that a secret holds, as it is now.

    Raises BadSetting, with what AWS says of it, and DatabaseUnavailable while Secrets Manager does
    not answer.
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
        with urlopen(Request(url, body, signed), timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 (no caller's URL)
            secret = json.loads(json.load(answer)["SecretString"])
    except HTTPError as refusal:
        throttled = b"ThrottlingException" in (said := refusal.read())
        if refusal.code in BUSY_STATUSES or throttled:
            raise DatabaseUnavailable from refusal
        # It names the secret, the role and the reason, and never a value.
        raise BadSetting(
            f"The secret {arn} cannot be read: {said.decode(errors='replace')}"
        ) from None
    except OSError as unreachable:
        raise DatabaseUnavailable from unreachable
    except (KeyError, ValueError):
        # Neither the value nor its parser's words, which quote it, may reach a log.
        raise BadSetting(f"The secret {arn} holds no JSON.") from None
    if not isinstance(secret, dict):
        raise BadSetting(f"The secret {arn} holds no JSON object.")
    return cast("dict[str, Any]", secret)
