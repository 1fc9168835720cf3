"""What a call may use, by the request of the caller. Pure.

Prompts are only measured. An estimate is rather too high: what it holds above the usage is free
again when the call ends.
"""

from collections.abc import Mapping
from typing import Any, cast

BYTES_PER_TOKEN = 3
"""Fewer than the four or so of English text."""

ATTACHMENT_TOKENS = 1600
"""About what vendors count at most for an image of usual size."""

OUTPUT_TOKENS = 4096
"""The output of a call whose caller sets no bound."""

PROMPTS = (
    "messages",
    "input",
    "prompt",
    "instructions",
    "system",
    "tools",
    "functions",
    "query",
    "documents",
    "response_format",
    "text",
)
ATTACHMENTS = frozenset(
    {"image", "image_url", "input_image", "input_audio", "file", "input_file", "document"}
)
BOUNDS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
REPEATS = ("n", "best_of")
WITHOUT_OUTPUT = ("embedding", "rerank", "transcription", "speech")
FREE = (
    "moderation",
    "cancel_",
    "create_batch",
    "create_file",
    "delete_",
    "file_",
    "get_",
    "list_",
    "retrieve_",
    "call_mcp_",
    "vector_store_",
)
"""How the names of call types begin that cost nothing by themselves, or not yet."""

MAX_BOUND = 1_000_000_000


def costs(call_type: str, request: Mapping[str, Any]) -> bool:
    """Return whether a call is one to a model, which costs something when it ends."""
    kind = call_type.removeprefix("_").removeprefix("a")
    is_free = call_type.startswith(FREE) or kind.startswith(FREE)
    return not is_free and bool(request.get("model"))


def tokens_of(call_type: str, request: Mapping[str, Any], output_tokens: int) -> dict[str, int]:
    """Return the tokens that a call may use."""
    measured = _measure([request.get(name) for name in PROMPTS])
    output = 0 if any(each in call_type for each in WITHOUT_OUTPUT) else output_tokens
    if output:
        bounds = [bound for name in BOUNDS if (bound := _count(request.get(name)))]
        output = max(bounds, default=output)
        output *= max((_count(request.get(name)) for name in REPEATS), default=0) or 1
    return {"input": measured, "output": min(output, MAX_BOUND)}


def _count(value: object) -> int:
    return value if type(value) is int and 0 < value <= MAX_BOUND else 0


def _measure(parts: list[object]) -> int:
    """Return the tokens of texts, at any depth. A number is one: callers may send tokens."""
    size, tokens = 0, 0
    while parts:
        part = parts.pop()
        if isinstance(part, str):
            size += len(part.encode(errors="surrogatepass"))
        elif isinstance(part, int | float):
            tokens += 1
        elif isinstance(part, dict):
            fields = cast("dict[str, object]", part)
            kind = fields.get("type")
            if isinstance(kind, str) and kind in ATTACHMENTS:
                tokens += ATTACHMENT_TOKENS
            else:
                # Names count, too: those of a tool's parameters are part of the prompt.
                parts.extend(fields)
                parts.extend(fields.values())
        elif isinstance(part, list | tuple):
            parts.extend(cast("list[object]", part))
    return tokens + -(-size // BYTES_PER_TOKEN)
