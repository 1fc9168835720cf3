"""The part of Lambda's context object that this project uses."""

from typing import Protocol


class LambdaContext(Protocol):
    """The invocation, as Lambda passes it to a handler."""

    aws_request_id: str
    log_stream_name: str
