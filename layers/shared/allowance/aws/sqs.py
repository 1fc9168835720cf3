"""Send a message to a queue of SQS. Only a job does so, and seldom."""

from collections.abc import Mapping
from functools import cache
from typing import Any

CONNECT_SECONDS, READ_SECONDS = 2, 3

ROOM_FOR_ATTRIBUTES_BYTES = 260_000
"""A longer body is sent without attributes: a queue may accept 262,144 bytes in all."""

MAX_ATTRIBUTE_LENGTH = 500


@cache
def sqs_client() -> Any:
    """Return the client of this process. It retries once."""
    # This import is the largest part of a cold start, so it happens only where a function sends.
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": 2},
    )
    client: Any = boto3.client("sqs", config=config)  # pyright: ignore[reportUnknownMemberType]
    return client


def send_message(queue_url: str, body: str, attributes: Mapping[str, str]) -> None:
    """Send a message with attributes, each cut to MAX_ATTRIBUTE_LENGTH. Raise the errors of boto3.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
    """
    has_room = len(body.encode()) <= ROOM_FOR_ATTRIBUTES_BYTES
    sqs_client().send_message(
        QueueUrl=queue_url,
        MessageBody=body,
        MessageAttributes={
            name: {"DataType": "String", "StringValue": value[:MAX_ATTRIBUTE_LENGTH]}
            for name, value in attributes.items()
            if value and has_room
        },
    )
