"""What LiteLLM's generic log sends after calls (StandardLoggingPayload), and the results. Pure.

Prompts and answers come along unless LiteLLM redacts them. No field here holds them.
"""

from typing import Annotated, Any, Literal, Self, cast, override

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ValidationError,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from allowance.contract.fields import Row
from allowance.contract.json_document import json_value
from allowance.contract.messages import Message
from allowance.contract.validation import problems_of
from allowance.errors import InvalidJSON, Problem, ValidationFailed
from allowance.gateways.litellm.callers import KeyOfCaller
from allowance.usage.models import MAX_PROBLEMS, Status, UsageProblem, problems_shown

MAX_PAYLOADS = 10_000
"""LiteLLM sends 512 at a time, and more if an earlier request is slow."""

MAX_SHOWN = 100
"""The most characters of a text of an unread payload that the log repeats."""

EXAMPLE: dict[str, Any] = {
    "id": "chatcmpl-9f2b",
    "litellm_call_id": "2f0c6a0e-6d0f-4a53-9a3c-0d7c6f0f9a11",
    "call_type": "acompletion",
    "status": "success",
    "custom_llm_provider": "openai",
    "model": "openai/gpt-5.1",
    "model_id": "d1",
    "startTime": 1795327200.0,
    "endTime": 1795327201.5,
    "prompt_tokens": 1000,
    "completion_tokens": 200,
    "total_tokens": 1200,
    "response_cost": 0.00325,
    "metadata": {"user_api_key_user_id": "maya"},
}

Amount = Annotated[float | None, Field(allow_inf_nan=False, ge=0)]
Seconds = Annotated[float, Field(gt=0, lt=1e11, allow_inf_nan=False)]
Count = Annotated[int, BeforeValidator(lambda value: 0 if value is None else value), Field(ge=0)]


class PayloadMetadata(KeyOfCaller):
    """Whose key a call used, and the vendor's usage object in LiteLLM's form."""

    usage_object: dict[str, Any] | None = None
    requester_custom_headers: dict[str, str] | None = None


class Payload(Message):
    """One call, as it ended."""

    model_config = ConfigDict(strict=False)

    id: str
    litellm_call_id: str | None = None
    call_type: str | None = None
    status: Literal["success", "failure"]
    custom_llm_provider: str | None = None
    model: str
    model_group: str | None = None
    model_id: str | None = None
    started: Annotated[Seconds, Field(alias="startTime")]
    ended: Annotated[Seconds, Field(alias="endTime")]
    prompt_tokens: Count = 0
    completion_tokens: Count = 0
    total_tokens: Count = 0
    response_cost: Amount = None
    cache_hit: bool | None = None
    metadata: PayloadMetadata

    @property
    def has_used_something(self) -> bool:
        """Whether the call counts. A failed one may have used something before it failed."""
        tokens = self.prompt_tokens or self.completion_tokens or self.total_tokens
        return self.status == "success" or bool(tokens or self.response_cost)

    @property
    def reached_a_deployment(self) -> bool:
        """Whether LiteLLM had chosen a deployment, so that its guardrails were over."""
        return bool(self.model_id)


SHOWN = (
    "id",
    "litellm_call_id",
    "custom_llm_provider",
    "model",
    "startTime",
    "endTime",
    "prompt_tokens",
    "completion_tokens",
    "response_cost",
)
SHOWN_OF_METADATA = ("user_api_key_hash", "user_api_key_user_id")
"""What the log repeats of a payload that is not recorded: enough to record it by hand."""


class Unread(BaseModel):
    """A payload that is not understood, and why. `head` has none of its prompts."""

    model_config = ConfigDict(frozen=True)

    problems: list[UsageProblem]
    head: dict[str, Any]


def head_of(sent: object) -> dict[str, Any]:
    """Return what the log may repeat of a payload: names and numbers of known fields. A text with
    spaces is no name.
    """
    if not isinstance(sent, dict):
        return {"type": type(sent).__name__}
    fields = cast("dict[str, Any]", sent)
    metadata = fields.get("metadata")
    of_metadata = cast("dict[str, Any]", metadata) if isinstance(metadata, dict) else {}
    found = {name: fields.get(name) for name in SHOWN}
    found |= {name: of_metadata.get(name) for name in SHOWN_OF_METADATA}
    return {name: shown for name, value in found.items() if (shown := _shown(value)) is not None}


def _shown(value: object) -> object:
    if isinstance(value, str) and not any(map(str.isspace, value)):
        return ascii(value[:MAX_SHOWN])[1:-1]
    return value if isinstance(value, int | float) else None


def _read(sent: object) -> Payload | Unread:
    if isinstance(sent, Unread):
        return sent
    try:
        return Payload.model_validate(sent)
    except ValidationError as error:
        problems = problems_of(error, Payload)
    return Unread(problems=problems_shown(problems[:MAX_PROBLEMS]), head=head_of(sent))


def _line(content: bytes) -> object:
    try:
        return json_value(content)
    except InvalidJSON as error:
        problem = Problem("(line)", f"It is no JSON. {error.detail}")
        return Unread(problems=problems_shown([problem]), head={"bytes": len(content)})


class LiteLLMLog(Message):
    """What LiteLLM logs at once: a list, one object, or one object a line (`log_format`).

    Each payload is read on its own, so that one that is not understood costs no other.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [[EXAMPLE]]})

    payloads: tuple[Payload | Unread, ...]

    @model_validator(mode="before")
    @classmethod
    def _each_on_its_own(cls, sent: object) -> object:
        payloads = cast("list[object]", sent) if isinstance(sent, list) else [sent]
        if len(payloads) > MAX_PAYLOADS:
            raise ValueError(f"must have at most {MAX_PAYLOADS} payloads")
        return {"payloads": tuple(map(_read, payloads))}

    @override
    @classmethod
    def read(cls, content: bytes, media_type: str) -> Self:
        """Return the payloads of a body. Raise InvalidJSON if no part of it is JSON, and
        ValidationFailed.
        """
        try:
            sent = json_value(content)
        except InvalidJSON:
            lines = [_line(each) for each in content.splitlines() if each.strip()]
            if not any(isinstance(each, dict) for each in lines):
                raise
            sent = lines
        try:
            return cls.model_validate(sent)
        except ValidationError as error:
            raise ValidationFailed(problems_of(error)) from error

    @override
    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the schema of what is sent: a payload, or a list of them."""
        payload = handler(Payload.__pydantic_core_schema__)
        return {"anyOf": [{"type": "array", "items": payload}, payload], "title": cls.__name__} | {
            "description": " ".join(str(cls.__doc__).split()),
            "examples": [[EXAMPLE]],
        }


class LiteLLMLogResult(Row):
    """What became of a payload. `validations` says what was not understood."""

    id: str | None
    status: Status | Literal["released", "nothing_used"]
    validations: list[UsageProblem]


class LiteLLMLogResults(Row):
    """The results, in the order of the payloads. LiteLLM does not read them."""

    results: list[LiteLLMLogResult]
