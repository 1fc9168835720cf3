"""The part of Lambda's context object that is used here."""

from typing import Protocol


class LambdaContext(Protocol):
    """The invocation that Lambda hands to a handler."""

    aws_request_id: str
    log_stream_name: str
