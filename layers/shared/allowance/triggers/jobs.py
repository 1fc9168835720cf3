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

type Handler = Callable[[dict[str, Any], LambdaContext], Any]


def job[S](
    actor: SystemActor, store: Callable[[Gate, Origin], S]
) -> Callable[[Callable[[S, dict[str, Any]], BaseModel]], Handler]:
    """Return a decorator that makes a Lambda handler of a function of a store and an event. The
    function runs as a system actor.

    An error fails the invocation, so that the alarms see it, and Lambda retries it where the
    template says so. The connection ends with the job: an idle one would keep a database awake that
    may pause.
    """

    def handler_of(work: Callable[[S, dict[str, Any]], BaseModel]) -> Handler:
        def handler(event: dict[str, Any], context: LambdaContext) -> Any:
            request_id = context.aws_request_id
            gate = open_gate(actor)
            try:
                result = work(store(gate, Origin(None, actor.name, request_id)), event)
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
