"""Amazon Bedrock's log of model invocations: JSON, one call a line, often compressed.

Shape: "Monitor model invocation using CloudWatch Logs and Amazon S3" in the Amazon Bedrock User
Guide (schemaType ModelInvocationLog, schemaVersion 1.0), read in November 2026. The bodies contain
prompts: only their `usage` is read.
"""

from collections.abc import Iterator
from typing import Any

from allowance_client.imports.fields import Fields
from allowance_client.imports.files import ImportFile
from allowance_client.imports.problems import Findings
from allowance_client.imports.rows import ImportOptions, UsageRow
from allowance_client.imports.usage_objects import usage_object
from allowance_client.imports.values import object_of

SOURCE = "bedrock"

IDENTITY = ("identity.arn",)

KNOWN = frozenset(
    {
        "schemaType",
        "schemaVersion",
        "timestamp",
        "accountId",
        "identity",
        "region",
        "inferenceRegion",
        "requestId",
        "operation",
        "modelId",
        "modelArn",
        "requestMetadata",
        "input",
        "output",
        "errorCode",
        "serviceTier",
    }
)
KNOWN_INPUT = frozenset(
    {
        "inputContentType",
        "inputBodyJson",
        "inputBodyS3Path",
        "inputTokenCount",
        "cacheReadInputTokenCount",
        "cacheWriteInputTokenCount",
    }
)
KNOWN_OUTPUT = frozenset(
    {"outputContentType", "outputBodyJson", "outputBodyS3Path", "outputTokenCount"}
)
BODY_FORMATS = {"inputTokens": "bedrock", "input_tokens": "anthropic"}
"""The first field of the `usage` of a body -> the format of its object."""

OUTPUTS = ("outputTokens", "output_tokens")


def read_bedrock_logs(
    file: ImportFile, options: ImportOptions, findings: Findings
) -> Iterator[UsageRow]:
    """Yield the record of each invocation. Problems are in `findings`. Raise ImportRefused."""
    options.require_identity(is_identity, findings)
    for place, value in file.values():
        fields = Fields(value, place, findings)
        record = bedrock_record(fields, options)
        if record is not None and fields.is_understood:
            yield UsageRow(place, record)


def bedrock_record(fields: Fields, options: ImportOptions) -> dict[str, Any] | None:
    """Return the usage record of one invocation, None of one that failed and used nothing. A stream
    that broke is paid. Problems are in the findings of `fields`.
    """
    fields.word("schemaType", frozenset({"ModelInvocationLog"}))
    fields.word("schemaVersion", frozenset({"1.0"}))
    if fields.get("schemaType") is None:
        fields.refuse("schemaType", "required: ModelInvocationLog")
    fields.require_known(KNOWN)
    sent, received = fields.inner("input"), fields.inner("output")
    if fields.get("errorCode") is not None and not _has_output(received):
        fields.findings.leave_out("calls that failed")
        return None
    sent.require_known(KNOWN_INPUT)
    received.require_known(KNOWN_OUTPUT)
    return {
        "source": options.source or SOURCE,
        "id": fields.name("requestId"),
        "user": _user(fields, options.identity or IDENTITY),
        "provider": "bedrock",
        "model": fields.name("modelId"),
        "occurred_at": fields.recordable_time("timestamp", options.now),
        **_counts(fields, sent, received),
    }


def is_identity(name: str) -> bool:
    """Return whether a log may have this field to name a user."""
    return name in {"identity.arn", "accountId"} or name.startswith("requestMetadata.")


def _has_output(received: Fields) -> bool:
    usage = object_of(object_of(received.get("outputBodyJson")).get("usage"))
    return bool(received.count("outputTokenCount") or any(usage.get(each) for each in OUTPUTS))


def _user(fields: Fields, identity: tuple[str, ...]) -> str:
    """Return the first user that the log names, by fields like `requestMetadata.user`."""
    for path in identity:
        *outer, name = path.split(".")
        place = fields
        for each in outer:
            place = place.inner(each)
        if found := place.optional_name(name):
            return found
    account = fields.optional_name("accountId")
    return f"account:{account}" if account else "nobody"


def _counts(fields: Fields, sent: Fields, received: Fields) -> dict[str, Any]:
    """Return the tokens of the log, or the `usage` of the response where it says more.

    A call without any count (an image) has an empty usage object, which the service keeps without a
    price.
    """
    usage = object_of(object_of(received.get("outputBodyJson")).get("usage"))
    tokens = {
        "input": sent.count("inputTokenCount"),
        "output": received.count("outputTokenCount"),
        "cache_read": sent.count("cacheReadInputTokenCount"),
        "cache_write": sent.count("cacheWriteInputTokenCount"),
    }
    if (found := next((each for each in BODY_FORMATS if each in usage), None)) is not None:
        _require_same(fields, tokens["input"], usage[found])
        body = Fields(usage, fields.place, fields.findings, "output.outputBodyJson.usage.")
        return {"usage_format": BODY_FORMATS[found], "usage": usage_object(body, usage)}
    if sent.get("inputTokenCount") is None and received.get("outputTokenCount") is None:
        return {"usage_format": "bedrock", "usage": {}}
    return {"tokens": {name: count for name, count in tokens.items() if count}}


def _require_same(fields: Fields, counted: int, in_body: object) -> None:
    if counted and counted != in_body:
        fields.refuse("input.inputTokenCount", "differs from the usage in output.outputBodyJson")
