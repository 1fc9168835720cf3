"""What Portkey's webhook sends before and after a call, and what it reads. Pure."""

from typing import Annotated, Any, Self, cast, override

from pydantic import ConfigDict, Field

from allowance.contract.fields import Row
from allowance.contract.json_document import json_object
from allowance.contract.messages import Message

EXAMPLE: dict[str, Any] = {
    "eventType": "beforeRequestHook",
    "provider": "openai",
    "requestType": "chatComplete",
    "request": {"json": {"model": "gpt-5.1"}},
    "metadata": {"_user": "maya"},
}

OF_REQUEST = ("model",)
OF_RESPONSE = ("id", "created", "model", "service_tier", "usage")
"""What is read of the JSON of a request and of a response. Prompts and answers are elsewhere."""


class HookMessage(Message):
    """A call that is about to be made (`beforeRequestHook`), or was made (`afterRequestHook`).

    Each part is read later: Portkey takes an error for a pass, so a question that is not understood
    needs a verdict.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    event_type: Annotated[Any, Field(alias="eventType", description="Which hook runs.")] = None
    provider: Annotated[Any, Field(description="Portkey's name of the provider.")] = None
    request: Annotated[Any, Field(description="Only `json.model` is read.")] = None
    response: Annotated[
        Any, Field(description=f"Only {', '.join(OF_RESPONSE)} of `json` are read.")
    ] = None
    metadata: Annotated[
        Any, Field(description="May name the user, if the settings of the source say so.")
    ] = None

    @override
    @classmethod
    def read(cls, content: bytes, media_type: str) -> Self:
        """Return the message in a body, without prompts and answers. Raise InvalidJSON."""
        document = json_object(content)
        document["request"] = _stripped(document.get("request"), OF_REQUEST)
        document["response"] = _stripped(document.get("response"), OF_RESPONSE)
        return cls.model_validate(document)

    @property
    def document(self) -> dict[str, Any]:
        """The message as it was sent, without what is not read."""
        return self.model_dump(by_alias=True)


def _stripped(part: object, names: tuple[str, ...]) -> object:
    """Return the JSON in a part with these fields alone."""
    if not isinstance(part, dict):
        return None
    content = cast("dict[str, Any]", part).get("json")
    if not isinstance(content, dict):
        return {"json": None}
    fields = cast("dict[str, Any]", content)
    return {"json": {name: fields[name] for name in names if name in fields}}


class VerdictReason(Row):
    """Why the check fails."""

    reason: str | None


class Verdict(Row):
    """Whether the check passes. Portkey refuses the call if not, where the guardrail denies."""

    verdict: bool
    data: VerdictReason
