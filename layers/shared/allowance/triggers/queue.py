"""The border of the functions that a queue starts. Each message succeeds or fails by itself.

The result lists the messages that failed. SQS keeps only these and delivers them again, as often as
it can: a database that is down must cost no message. A message that is refused for its content
would fail forever, so after REFUSALS receives it is sent to the dead letter queue here.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

import os
from collections.abc import Callable
from typing import Any, cast

from allowance.access.gate import Gate
from allowance.access.session import open_gate
from allowance.access.store import Origin
from allowance.aws.lambda_context import LambdaContext
from allowance.aws.sqs import send_message
from allowance.contract.json_document import json_object
from allowance.errors import AllowanceError, DatabaseUnavailable, ValidationFailed
from allowance.log import cause_of, logger
from allowance.metrics import count_job
from allowance.rbac.system import SystemActor
from allowance.triggers.events import require_messages
from allowance.triggers.jobs import Handler

# After the logger, whose module keeps botocore out of the cold start.
from aws_lambda_powertools.utilities.batch import (  # isort: skip
    BatchProcessor,
    EventType,
    process_partial_response,  # pyright: ignore[reportUnknownVariableType]
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord  # isort: skip

MAX_PROBLEMS_LOGGED = 10

REFUSALS = 3
"""The receives of a message that is refused. The first ones may come before the usage that it
amends.
"""


def consumer[S](
    actor: SystemActor, store: Callable[[Gate, Origin], S]
) -> Callable[[Callable[[S, dict[str, Any]], None]], Handler]:
    """Return a decorator that makes a Lambda handler of a function of a store and the JSON object
    of a message. The function runs as a system actor. The handler raises ValidationFailed for an
    event that is no batch of messages.
    """

    def handler_of(work: Callable[[S, dict[str, Any]], None]) -> Handler:
        def handler(event: dict[str, Any], context: LambdaContext) -> Any:
            request_id = context.aws_request_id
            require_messages(event)
            opened = store(open_gate(actor), Origin(None, actor.name, request_id))
            hopeless: list[tuple[SQSRecord, Exception]] = []

            def process(record: SQSRecord) -> None:
                try:
                    work(opened, json_object(record.body.encode(errors="surrogatepass")))
                except Exception as error:
                    _log_failure(request_id, actor, record.message_id, error)
                    if not _is_hopeless(record, error):
                        raise
                    hopeless.append((record, error))

            # A batch in which every message fails is no special case: the result lists them all,
            # and SQS retries each by itself.
            processor = BatchProcessor(
                event_type=EventType.SQS, raise_on_entire_batch_failure=False
            )
            result = process_partial_response(event, process, processor, cast("Any", context))
            for record, reason in hopeless:
                try:
                    _give_up(record, reason)
                except Exception as error:  # noqa: BLE001 (the message stays in the queue)
                    _log_failure(request_id, actor, record.message_id, error)
                    result["batchItemFailures"].append({"itemIdentifier": record.message_id})
            count_job(actor.name, succeeded=not (hopeless or result["batchItemFailures"]))
            return result

        return handler

    return handler_of


def _is_hopeless(record: SQSRecord, error: Exception) -> bool:
    """Return whether the message is refused for its content, and not for the first time."""
    is_refused = isinstance(error, AllowanceError) and not isinstance(error, DatabaseUnavailable)
    return is_refused and int(record.attributes.approximate_receive_count) >= REFUSALS


def _give_up(record: SQSRecord, error: Exception) -> None:
    """Send the message to the queue DEAD_LETTERS_URL. Raise the errors of boto3."""
    attributes = {"MessageId": record.message_id, "Reason": str(error)}
    send_message(os.environ.get("DEAD_LETTERS_URL", ""), record.body, attributes)


def _log_failure(request_id: str, actor: SystemActor, message_id: str, error: Exception) -> None:
    """Log one line for a message that failed. A problem names a field, never its value."""
    problems = error.problems[:MAX_PROBLEMS_LOGGED] if isinstance(error, ValidationFailed) else ()
    logger().error(
        "message failed",
        request_id=request_id,
        actor=actor.name,
        message_id=message_id,
        error=type(error).__name__,
        problems=[str(each) for each in problems],
        detail=error.detail if isinstance(error, AllowanceError) else None,
        cause=cause_of(error) if isinstance(error, DatabaseUnavailable) else None,
    )
