"""The border of the functions that a schedule, a deployment, or an operator with IAM starts."""

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from allowance.access.gate import Gate
from allowance.access.session import close_database, open_gate
from allowance.access.store import Origin
from allowance.aws.lambda_context import LambdaContext
from allowance.errors import DatabaseUnavailable
from allowance.log import cause_of, logger
from allowance.metrics import count_job
from allowance.rbac.system import SystemActor
from allowance.triggers.events import no_parameters, parameters_of

NONE: Callable[[dict[str, Any]], Any] = no_parameters

type Handler = Callable[[dict[str, Any], LambdaContext], Any]


def job[S, P = dict[str, Any]](
    actor: SystemActor,
    store: Callable[[Gate, Origin], S],
    reads: Callable[[dict[str, Any]], P] = NONE,
) -> Callable[[Callable[[S, P], BaseModel]], Handler]:
    """Return a decorator that makes a Lambda handler of a function of a store and of what `reads`
    makes of the event's parameters. The function runs as a system actor.

    `reads` raises ValidationFailed for parameters that it does not know: without it, for any.

    An error fails the invocation, so that the alarms see it, and Lambda retries it where the
    template says so. The connection ends with the job: an idle one would keep a database awake that
    may pause.
    """

    def handler_of(work: Callable[[S, P], BaseModel]) -> Handler:
        def handler(event: dict[str, Any], context: LambdaContext) -> Any:
            request_id = context.aws_request_id
            try:
                # Before the database, which may be paused.
                asked = reads(parameters_of(event))
                opened = store(open_gate(actor), Origin(None, actor.name, request_id))
                result = work(opened, asked)
            except Exception as error:
                logger().error(
                    "failed",
                    request_id=request_id,
                    actor=actor.name,
                    error=type(error).__name__,
                    cause=cause_of(error) if isinstance(error, DatabaseUnavailable) else None,
                )
                count_job(actor.name, succeeded=False)
                raise
            finally:
                close_database()
            count_job(actor.name, succeeded=True)
            return result.model_dump(mode="json")

        return handler

    return handler_of
