"""A custom resource of CloudFormation. CloudFormation waits for the response; a failure fails the
deployment and rolls it back.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requesttypes.html
"""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.request import Request, urlopen

from allowance.log import logger

TIMEOUT_SECONDS = 10
MAX_REASON_LENGTH = 1000
"""The whole response has at most 4,096 bytes."""


class UnknownRequestType(Exception):
    """CloudFormation documents no such request."""


def respond_to_deployment(
    event: Mapping[str, Any], log_stream: str, work: Callable[[], dict[str, Any]]
) -> None:
    """Do the work for a Create or an Update, and send CloudFormation its result. A Delete keeps the
    data. Any other request fails.

    Raise OSError if the response cannot be sent, so that Lambda retries the invocation.
    """
    try:
        outcome = {"Status": "SUCCESS"} | _result(event["RequestType"], work)
    except Exception as error:  # noqa: BLE001 (any error must fail the deployment at once)
        logger().exception("migration failed")
        reason = f"{type(error).__name__}: {error}"[:MAX_REASON_LENGTH]
        outcome = {"Status": "FAILED", "Reason": f"{reason} (log stream {log_stream})"}
    body = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")} | outcome
    # The id never changes: CloudFormation would take an update with another id for a replacement,
    # and delete the old resource.
    body["PhysicalResourceId"] = "schema"
    # The URL is signed for a request without a content type.
    request = Request(  # noqa: S310
        event["ResponseURL"], json.dumps(body).encode(), {"Content-Type": ""}, method="PUT"
    )
    with urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310 (CloudFormation's own URL)
        pass


def _result(request_type: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    match request_type:
        case "Create" | "Update":
            return {"Data": work()}
        case "Delete":
            return {}
        case _:
            raise UnknownRequestType(f"RequestType is {request_type!r}.")
