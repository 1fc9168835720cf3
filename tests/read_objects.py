"""Usage objects that a naive reader prices wrongly, with what they mean."""

from typing import Any, NamedTuple

from allowance.prices.cost import Tokens
from allowance.prices.terms import Variant
from allowance.prices.units import OtherUnits
from allowance.usage.reading.formats import UsageFormat


class Example(NamedTuple):
    """An object that is read whole."""

    usage_format: UsageFormat
    provider: str
    usage: dict[str, Any]
    tokens: Tokens
    others: OtherUnits = {}
    variant: Variant | None = None
    model: str = "a-model"


LUNA = {
    "prompt_tokens": 3541,
    "completion_tokens": 5,
    "total_tokens": 3546,
    "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 3538},
}
LUNA_RESPONSES = {
    "input_tokens": 3541,
    "output_tokens": 5,
    "total_tokens": 3546,
    "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 3538},
}
DEEPSEEK = {
    "prompt_tokens": 100_000,
    "prompt_cache_hit_tokens": 99_000,
    "prompt_cache_miss_tokens": 1_000,
    "completion_tokens": 100,
    "total_tokens": 100_100,
}
XAI = {
    "prompt_tokens": 1000,
    "completion_tokens": 1000,
    "total_tokens": 2500,
    "completion_tokens_details": {"reasoning_tokens": 500},
}
LITELLM = {
    "prompt_tokens": 98_805,
    "completion_tokens": 5_120,
    "total_tokens": 103_925,
    "prompt_tokens_details": {"cached_tokens": 66_360, "cache_creation_tokens": 32_435},
    "cache_read_input_tokens": 66_360,
    "cache_creation_input_tokens": 32_435,
}
BATCH = {"input_tokens": 1000, "output_tokens": 1000, "service_tier": "batch"}
LIVE = {"promptTokenCount": 100, "responseTokenCount": 900, "totalTokenCount": 1000}
THOUGHTS = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 530}
ORGANIZATION = {
    "object": "organization.usage.completions.result",
    "input_tokens": 9_000,
    "output_tokens": 1_000,
    "input_cached_tokens": 6_500,
    "input_audio_tokens": 0,
    "num_model_requests": 1,
    "project_id": "proj_1",
    "model": "gpt-4.1-2025-04-14",
    "batch": False,
}

MESSAGE = {
    "input_tokens": 50,
    "output_tokens": 503,
    "cache_read_input_tokens": 100_000,
    "cache_creation_input_tokens": 248,
    "cache_creation": {"ephemeral_5m_input_tokens": 148, "ephemeral_1h_input_tokens": 100},
    "output_tokens_details": {"thinking_tokens": 300},
    "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1},
    "iterations": [
        {
            "type": "message",
            "input_tokens": 50,
            "output_tokens": 503,
            "cache_read_input_tokens": 100_000,
            "cache_creation_input_tokens": 248,
            "cache_creation": {"ephemeral_5m_input_tokens": 148, "ephemeral_1h_input_tokens": 100},
        }
    ],
    "service_tier": "standard",
    "speed": "fast",
    "inference_geo": "global",
}
ISSUED = (
    Example("openai", "openai", LUNA, Tokens(3, 5, cache_write=3538)),
    Example("openai", "openai", LUNA_RESPONSES, Tokens(3, 5, cache_write=3538)),
    Example("openai", "deepseek", DEEPSEEK, Tokens(1_000, 100, 99_000)),
    Example("openai", "xai", XAI, Tokens(1000, 1500)),
    Example("openai", "bedrock", LITELLM, Tokens(10, 5_120, 66_360, 32_435)),
    Example("anthropic", "anthropic", BATCH, Tokens(1000, 1000), variant="batch"),
    Example("gemini", "google", LIVE, Tokens(100, 900)),
    Example("openai", "gemini", THOUGHTS, Tokens(10, 520), model="google/gemini-2.5-flash"),
    Example("openai", "openai", ORGANIZATION, Tokens(2_500, 1_000, 6_500)),
)
