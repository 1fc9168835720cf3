"""The events of a request in OpenMeter's form. Pure."""

from typing import Annotated, Any, ClassVar, Self, cast, override

from pydantic import ConfigDict, Field

from allowance.contract.json_document import json_value
from allowance.contract.messages import JSON, Message
from allowance.errors import InvalidJSON

ONE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"

EXAMPLE: dict[str, Any] = {
    "specversion": "1.0",
    "type": "kong.llm_request",
    "id": "5c10fade-request",
    "source": "kong",
    "subject": "maya",
    "time": "2026-11-22T06:00:00Z",
    "data": {"tokens": "1000", "type": "request", "model": "gpt-5.1", "provider": "openai"},
}


class Events(Message):
    """A CloudEvent, or a list of them. Each is read on its own."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"events": [EXAMPLE]}]})

    media_types: ClassVar[tuple[str, ...]] = (ONE, BATCH, JSON)

    events: Annotated[list[Any], Field(description="One event, or several.")]
    is_batch: bool = False

    @override
    @classmethod
    def read(cls, content: bytes, media_type: str) -> Self:
        """Return the events in a body: one object, or a list of events. Raise InvalidJSON."""
        document = json_value(content)
        is_batch = isinstance(document, list)
        if media_type == BATCH and not is_batch:
            raise InvalidJSON(detail=f"With {BATCH} it must be a list of events.")
        if media_type == ONE and is_batch:
            raise InvalidJSON(detail=f"With {ONE} it must be one event. A list is {BATCH}.")
        events = cast("list[Any]", document) if is_batch else [document]
        return cls(events=events, is_batch=is_batch)
