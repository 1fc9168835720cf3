"""What LiteLLM's generic guardrail sends before a call, and what it reads. Pure.

Prompts come along. Only their size is kept, and only for the estimate.
"""

import json
from typing import Annotated, Literal, cast

from pydantic import BeforeValidator, ConfigDict, Field

from allowance.contract.fields import Row
from allowance.contract.messages import Message
from allowance.gateways.litellm.callers import KeyOfCaller

BYTES_PER_TOKEN = 3
"""Fewer than the four or so of English text, so that an estimate is rather too high."""

IMAGE_TOKENS = 1600
"""About what the vendors count at most for an image of usual size."""

OUTPUT_TOKENS = 4096
"""The output that a call is estimated to have. LiteLLM does not send the bound of the caller."""


def _size(value: object) -> object:
    """Return the bytes of a text, or of the JSON of what a guardrail would look at; 0 of null."""
    if value is None:
        return 0
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return len(text.encode(errors="surrogatepass"))


def _number(value: object) -> object:
    return len(cast("list[object]", value)) if isinstance(value, list) else 0


Size = Annotated[int, BeforeValidator(_size)]


class LiteLLMCall(Message):
    """A call that is about to be made."""

    model_config = ConfigDict(
        strict=False,
        json_schema_extra={
            "examples": [
                {
                    "input_type": "request",
                    "litellm_call_id": "2f0c6a0e-6d0f-4a53-9a3c-0d7c6f0f9a11",
                    "model": "openai/gpt-5.1",
                    "texts": ["Hello"],
                    "request_data": {"user_api_key_user_id": "maya"},
                }
            ]
        },
    )

    input_type: Annotated[
        Literal["request", "response"],
        Field(description="`response` comes after the call, and is always admitted."),
    ]
    litellm_call_id: Annotated[
        str | None, Field(description="The id of the reservation. Each call needs its own.")
    ] = None
    model: Annotated[str | None, Field(description="As the caller names it.")] = None
    request_data: Annotated[KeyOfCaller, Field(description="Whose key the call uses.")]
    request_headers: Annotated[
        dict[str, str] | None, Field(description="Of the caller's request.")
    ] = None
    texts: Annotated[Size, Field(description="Prompts: only their size is read.")] = 0
    tools: Annotated[Size, Field(description="Only their size is read.")] = 0
    images: Annotated[
        int, BeforeValidator(_number), Field(description="Only their number is read.")
    ] = 0

    @property
    def input_tokens(self) -> int:
        """The tokens that the input is estimated to have."""
        return -(-(self.texts + self.tools) // BYTES_PER_TOKEN) + self.images * IMAGE_TOKENS


class LiteLLMDecision(Row):
    """Whether LiteLLM makes the call. It shows `blocked_reason` to the caller."""

    action: Literal["NONE", "BLOCKED"]
    blocked_reason: str | None = None
