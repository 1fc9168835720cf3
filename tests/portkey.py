"""Messages of Portkey's webhook guardrail, in the documented shape with synthetic values."""

from typing import Any

PROMPT = "say hi to the board"


def before(**changed: Any) -> dict[str, Any]:
    return {
        "request": {
            "json": {
                "stream": False,
                "messages": [{"role": "user", "content": PROMPT}],
                "max_tokens": 20,
                "model": "gpt-5.1",
            },
            "text": PROMPT,
            "isStreamingRequest": False,
        },
        "response": {"json": {}, "text": "", "statusCode": None},
        "provider": "openai",
        "requestType": "chatComplete",
        "metadata": {"_user": "maya"},
        "eventType": "beforeRequestHook",
        **changed,
    }


def after(created: int, /, **changed: Any) -> dict[str, Any]:
    """The message after a call. `changed` is of the JSON of the response."""
    response = {
        "id": "chatcmpl-B9SA",
        "object": "chat.completion",
        "created": created,
        "model": "gpt-5.1-2025-11-13",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": PROMPT}}],
        "usage": {
            "prompt_tokens": 1000,
            "completion_tokens": 200,
            "total_tokens": 1200,
            "prompt_tokens_details": {"cached_tokens": 600, "audio_tokens": 0},
        },
        "service_tier": "default",
        **changed,
    }
    answer = {"json": response, "text": PROMPT, "statusCode": 200}
    return before(response=answer, eventType="afterRequestHook")
