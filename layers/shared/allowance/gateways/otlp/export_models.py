"""The export of log records, and its response, in the JSON of OTLP. Pure."""

from typing import Annotated, Any, Self, override

from pydantic import ConfigDict, Field, ValidationError

from allowance.contract.fields import Row
from allowance.contract.json_document import json_object
from allowance.contract.messages import Message
from allowance.gateways.otlp.logs import require_logs

EXAMPLE: dict[str, Any] = {
    "resourceLogs": [
        {
            "resource": {
                "attributes": [
                    {"key": "service.name", "value": {"stringValue": "claude-code"}},
                    {"key": "allowance.user", "value": {"stringValue": "maya"}},
                ]
            },
            "scopeLogs": [
                {
                    "logRecords": [
                        {
                            "timeUnixNano": "1795327200123456789",
                            "body": {"stringValue": "claude_code.api_request"},
                            "attributes": [
                                {"key": "event.name", "value": {"stringValue": "api_request"}},
                                {"key": "model", "value": {"stringValue": "claude-sonnet-4-5"}},
                                {"key": "input_tokens", "value": {"intValue": "50"}},
                                {"key": "output_tokens", "value": {"intValue": "500"}},
                            ],
                        }
                    ]
                }
            ],
        }
    ]
}


class LogExport(Message):
    """An export of log records (ExportLogsServiceRequest)."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    resource_logs: Annotated[
        list[Any],
        Field(alias="resourceLogs", description="Log records, by their resources and scopes."),
    ] = []

    @override
    @classmethod
    def wanted(cls) -> str:
        """Return the sentence that says how a collector sends JSON."""
        return "The exporter `otlphttp` sends JSON with `encoding: json`; gRPC is not taken."

    @override
    @classmethod
    def read(cls, content: bytes, media_type: str) -> Self:
        """Return the export in a body. Raise InvalidJSON, ValidationFailed.

        Other signals, and other spellings of the field, are refused: dropped, they would look like
        an export that is recorded.
        """
        document = json_object(content)
        require_logs(document)
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            raise cls.refusal(error) from error


def _is_none(value: object) -> bool:
    return value is None


class PartialSuccess(Row):
    """What is not recorded, and why. A collector logs it, and does not send it again."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    rejected_log_records: Annotated[
        str,
        Field(alias="rejectedLogRecords", description="A number: 64 bits are a text in this JSON."),
    ]
    error_message: Annotated[str, Field(alias="errorMessage")]


class ExportAnswer(Row):
    """The response (ExportLogsServiceResponse): empty if every log record is recorded."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    partial_success: Annotated[
        PartialSuccess | None, Field(alias="partialSuccess", exclude_if=_is_none)
    ] = None
