"""The event of a job: the messages of a queue, what an operator asks, or a start by AWS.

An event of AWS is recognized by its keys and asks for nothing. Anything else is the operator's, so
a key that the job does not know is refused: it would otherwise be taken for no key at all.
"""

from typing import Any, cast

from allowance.errors import Problem, ValidationFailed

SCHEDULED = frozenset(
    {
        "version",
        "id",
        "detail-type",
        "source",
        "account",
        "time",
        "region",
        "resources",
        "detail",
        "replay-name",
    }
)
"""The keys of an event of EventBridge, which also announces deployments.

https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
"""

DEPLOYED = frozenset(
    {
        "RequestType",
        "ResponseURL",
        "ServiceToken",
        "StackId",
        "RequestId",
        "LogicalResourceId",
        "PhysicalResourceId",
        "ResourceType",
        "ResourceProperties",
        "OldResourceProperties",
    }
)
"""The keys of an event of a custom resource of CloudFormation."""

OF_AWS = "aws."
"""The `source` of every event of AWS begins with it, and of no other event."""

OF_S3 = "aws.s3"
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html"""

MAX_REPORTED = 100


def parameters_of(event: object) -> dict[str, Any]:
    """Return what an operator asks for, the key of the object that an event of S3 is about, and
    nothing of another event of AWS. Raise ValidationFailed for an event that is no object.
    """
    if not isinstance(event, dict):
        raise ValidationFailed([Problem("(document)", "must be an object")])
    given = cast("dict[str, Any]", event)
    if _is_scheduled(given) and given["source"] == OF_S3:
        return {"key": given["detail"]["object"]["key"]}
    return {} if _is_scheduled(given) or _is_deployed(given) else given


def no_parameters(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return no parameters. Raise ValidationFailed, which names each one that is there."""
    if parameters:
        names = list(parameters)[:MAX_REPORTED]
        raise ValidationFailed(Problem(each, "unknown field. Send {}") for each in names)
    return parameters


def require_messages(event: object) -> None:
    """Raise ValidationFailed for an event that is no batch of messages from SQS."""
    given = cast("dict[str, Any]", event) if isinstance(event, dict) else {}
    if not isinstance(given.get("Records"), list):
        wanted = "required, a list of messages: send records to the queue, or by POST"
        raise ValidationFailed([Problem("Records", wanted)])
    no_parameters({name: value for name, value in given.items() if name != "Records"})


def _is_scheduled(event: dict[str, Any]) -> bool:
    source = event.get("source")
    return event.keys() <= SCHEDULED and isinstance(source, str) and source.startswith(OF_AWS)


def _is_deployed(event: dict[str, Any]) -> bool:
    return "RequestType" in event and event.keys() <= DEPLOYED
