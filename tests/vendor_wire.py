"""The responses of a vendor of models, in the protocols that gateways speak."""

import time
from collections.abc import Iterator
from typing import Any

INPUT, OUTPUT = 1_000, 200
"""The tokens of every complete response."""

WORDS = 20
"""The chunks of a complete stream."""

Event = tuple[str | None, dict[str, Any] | str]
"""The name of an event, and its data."""

CHAT_USAGE = {
    "prompt_tokens": INPUT,
    "completion_tokens": OUTPUT,
    "total_tokens": INPUT + OUTPUT,
    "prompt_tokens_details": {"cached_tokens": 400},
    "completion_tokens_details": {"reasoning_tokens": 50},
}
RESPONSES_USAGE = {
    "input_tokens": INPUT,
    "input_tokens_details": {"cached_tokens": 400},
    "output_tokens": OUTPUT,
    "output_tokens_details": {"reasoning_tokens": 50},
    "total_tokens": INPUT + OUTPUT,
}
MESSAGES_USAGE = {
    "input_tokens": 600,
    "cache_read_input_tokens": 400,
    "cache_creation_input_tokens": 0,
    "output_tokens": OUTPUT,
}


def an_id(start: str) -> str:
    return f"{start}{time.time_ns():x}"


def chat(model: str) -> dict[str, Any]:
    return {
        "id": an_id("chatcmpl-"),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": "Hello."},
            }
        ],
        "usage": CHAT_USAGE,
    }


def chat_stream(model: str, wants_usage: bool) -> Iterator[Event]:
    frame = {
        "id": an_id("chatcmpl-"),
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": model,
    }
    for _ in range(WORDS):
        delta = {"role": "assistant", "content": "word "}
        yield None, frame | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield None, frame | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    if wants_usage:
        yield None, frame | {"choices": [], "usage": CHAT_USAGE}
    yield None, "[DONE]"


def response(model: str, *, complete: bool = True) -> dict[str, Any]:
    content = [{"type": "output_text", "text": "Hello.", "annotations": []}]
    output = [
        {
            "type": "message",
            "id": "msg_1",
            "status": "completed",
            "role": "assistant",
            "content": content,
        }
    ]
    return {
        "id": an_id("resp_"),
        "object": "response",
        "created_at": int(time.time()),
        "status": "completed" if complete else "in_progress",
        "model": model,
        "output": output if complete else [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "temperature": 1.0,
        "top_p": 1.0,
        "usage": RESPONSES_USAGE if complete else None,
    }


def response_stream(model: str, _: bool) -> Iterator[Event]:
    begun = response(model, complete=False)
    yield (
        "response.created",
        {
            "type": "response.created",
            "sequence_number": 0,
            "response": begun,
        },
    )
    for n in range(WORDS):
        yield (
            "response.output_text.delta",
            {
                "type": "response.output_text.delta",
                "sequence_number": n + 1,
                "item_id": "msg_1",
                "output_index": 0,
                "content_index": 0,
                "delta": "word ",
                "logprobs": [],
            },
        )
    yield (
        "response.completed",
        {
            "type": "response.completed",
            "sequence_number": WORDS + 1,
            "response": response(model) | {"id": begun["id"]},
        },
    )


def message(model: str) -> dict[str, Any]:
    return {
        "id": an_id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": "Hello."}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": MESSAGES_USAGE,
    }


def message_stream(model: str, _: bool) -> Iterator[Event]:
    begun = message(model) | {
        "content": [],
        "stop_reason": None,
        "usage": MESSAGES_USAGE | {"output_tokens": 1},
    }
    yield "message_start", {"type": "message_start", "message": begun}
    yield (
        "content_block_start",
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "text", "text": ""},
        },
    )
    for _ in range(WORDS):
        yield (
            "content_block_delta",
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "text_delta", "text": "word "},
            },
        )
    yield "content_block_stop", {"type": "content_block_stop", "index": 0}
    yield (
        "message_delta",
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": OUTPUT},
        },
    )
    yield "message_stop", {"type": "message_stop"}


def embeddings(model: str) -> dict[str, Any]:
    return {
        "object": "list",
        "model": model,
        "data": [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}],
        "usage": {"prompt_tokens": INPUT, "total_tokens": INPUT},
    }


WHOLE = {
    "completions": chat,
    "responses": response,
    "messages": message,
    "embeddings": embeddings,
}
STREAMS = {"completions": chat_stream, "responses": response_stream, "messages": message_stream}
