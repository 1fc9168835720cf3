"""Run one handler in a plain process, where Lambda's own emulator does not run: `worker.py
HANDLER`.

Each call is a JSON line in, {"event", "request_id", "deadline_ms"}, and a JSON line out,
{"payload": str, "failed": bool}. The output of the handler goes to stderr. The script runs in the
environment of the function, so it imports the standard library only.
"""

import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

Handler = Callable[[Any, "Context"], Any]


class Context:
    """The context of an invocation, as a handler sees it."""

    def __init__(self, request_id: str, deadline_ms: int) -> None:
        self.aws_request_id = request_id
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        region = os.environ["AWS_REGION"]
        self.invoked_function_arn = (
            f"arn:aws:lambda:{region}:012345678912:function:{self.function_name}"
        )
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self._deadline_ms = deadline_ms

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the function times out."""
        return max(0, self._deadline_ms - int(time.time() * 1000))


def load(handler: str) -> Handler:
    """Import `module.function` and return it."""
    module, _, function = handler.rpartition(".")
    return getattr(importlib.import_module(module), function)


def result_of(call: dict[str, Any], handler: str) -> dict[str, Any]:
    """Call the handler and return its result or its error. The first call imports it, so a failed
    import is an error of the call.
    """
    try:
        result = load(handler)(call["event"], Context(call["request_id"], call["deadline_ms"]))
        return {"payload": json.dumps(result), "failed": False}
    except Exception as error:  # noqa: BLE001 (any error of a handler is its result)
        traceback.print_exc()
        problem = {
            "errorMessage": str(error),
            "errorType": type(error).__name__,
            "stackTrace": traceback.format_tb(error.__traceback__)[1:],
        }
        return {"payload": json.dumps(problem), "failed": True}


def main() -> None:
    """Serve calls until the pipe closes."""
    # The pipes are for the protocol; the output of a handler must not mix with the results.
    calls, results = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    for line in calls:
        results.write(json.dumps(result_of(json.loads(line), sys.argv[1])) + "\n")


main()
