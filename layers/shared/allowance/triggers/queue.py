"""The border of the functions that a queue starts: each message by itself, and what fails comes
again.

A message that fails is named in the answer, so that SQS keeps it and no other; after some attempts
it is moved to the queue's dead letters.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

from collections.abc import Callable
from typing import Any, cast

from allowance.access.gate import Gate
from allowance.access.session import open_gate
from allowance.access.store import Origin
from allowance.aws.lambda_context import LambdaContext
from allowance.contract.json_document import json_object
from allowance.errors import AllowanceError, DatabaseUnavailable, ValidationFailed
from allowance.log import cause_of, logger
from allowance.metrics import count_job
from allowance.rbac.system import SystemActor
from allowance.triggers.jobs import Handler

# After the logger, which keeps botocore out of a start.
from aws_lambda_powertools.utilities.batch import (  # isort: skip
    BatchProcessor,
    EventType,
    process_partial_response,  # pyright: ignore[reportUnknownVariableType]
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord  # isort: skip

MAX_PROBLEMS_LOGGED = 10


def consumer[S](
    actor: SystemActor, store: Callable[[Gate, Origin], S]
) -> Callable[[Callable[[S, dict[str, Any]], None]], Handler]:
    """A Lambda handler out of a function of a store and the JSON object of a message, run as a
    system actor.
    """

    def handler_of(work: Callable[[S, dict[str, Any]], None]) -> Handler:
        def handler(event: dict[str, Any], context: LambdaContext) -> Any:
            request_id = context.aws_request_id
            kept = store(open_gate(actor), Origin(None, actor.name, request_id))

            def take(record: SQSRecord) -> None:
                try:
                    work(kept, json_object(record.body.encode(errors="surrogatepass")))
                except Exception as error:
                    _tell(request_id, actor, record.message_id, error)
                    raise

            # That all fail is no other case: their names are answered, and each is tried again by
            # itself.
            processor = BatchProcessor(
                event_type=EventType.SQS, raise_on_entire_batch_failure=False
            )
            answer = process_partial_response(event, take, processor, cast("Any", context))
            count_job(actor.name, succeeded=not answer["batchItemFailures"])
            return answer

        return handler

    return handler_of


def _tell(request_id: str, actor: SystemActor, message_id: str, error: Exception) -> None:
    """One line of the log for a message that failed; a problem names a field, and never what was in
    it.
    """
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
