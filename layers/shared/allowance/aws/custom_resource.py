"""A custom resource of CloudFormation: it waits for the answer, and a failure fails and rolls back
the deployment.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requesttypes.html
"""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.request import Request, urlopen

from allowance.log import logger

TIMEOUT_SECONDS = 10
MAX_REASON_LENGTH = 1000
"""An answer may have 4,096 bytes in all."""


def answer_deployment(
    event: Mapping[str, Any], log_stream: str, work: Callable[[], dict[str, Any]]
) -> None:
    """Do the work for a Create or an Update, and tell CloudFormation how it went. A Delete leaves
    the data alone.

    Raises OSError when the answer cannot be delivered, so that Lambda tries the whole again.
    """
    outcome: dict[str, Any] = {"Status": "SUCCESS"}
    if event["RequestType"] != "Delete":
        try:
            outcome["Data"] = work()
        except Exception as error:  # noqa: BLE001 (whatever it is, the deployment must fail by it, and now)
            logger().exception("migration failed")
            reason = f"{type(error).__name__}: {error}"[:MAX_REASON_LENGTH]
            outcome = {"Status": "FAILED", "Reason": f"{reason} (log stream {log_stream})"}
    body = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")} | outcome
    # One id for ever: another one would make CloudFormation take the update for a replacement, and
    # delete the old.
    body["PhysicalResourceId"] = "schema"
    # The URL is signed for a request without a content type.
    request = Request(  # noqa: S310
        event["ResponseURL"], json.dumps(body).encode(), {"Content-Type": ""}, method="PUT"
    )
    with urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310 (CloudFormation's own URL)
        pass
