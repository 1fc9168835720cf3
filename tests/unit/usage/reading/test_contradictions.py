"""Contradictions and unknown marks leave an object unread. They are never repaired or rejected."""

from typing import Any

import pytest

from allowance.usage.reading.formats import UsageFormat
from tests.read_objects import LITELLM, LIVE, MESSAGE, XAI
from tests.usage_objects import unread_in
from tests.vendor_objects import GEMINI, SONIC


@pytest.mark.parametrize(
    ("usage_format", "provider", "usage", "path"),
    [
        # A total far above the prompt, and no completion.
        ("openai", "openai", {"prompt_tokens": 10, "total_tokens": 5010}, "usage.total_tokens"),
        # An object of Anthropic under OpenAI's format.
        ("openai", "anthropic", MESSAGE, "usage.cache_read_input_tokens"),
        ("openai", "openai", XAI, "usage.total_tokens"),
        ("openai", "openai", LITELLM | {"cache_read_input_tokens": 66_361}, ""),
        ("openai", "openai", LITELLM | {"prompt_tokens": 98_794, "total_tokens": 103_914}, ""),
        ("gemini", "google", LIVE | {"thoughtsTokenCount": 1}, "usage.totalTokenCount"),
        ("gemini", "google", GEMINI | {"candidatesTokenCount": 50}, ""),
        ("gemini", "google", LIVE | {"trafficType": "PROVISIONED_THROUGHPUT"}, ""),
        ("gemini", "google", {}, "usage.promptTokenCount"),
        ("anthropic", "anthropic", {"input_tokens": 1, "inference_geo": "us"}, ""),
        ("anthropic", "anthropic", MESSAGE | {"service_tier": "batch"}, "usage.speed"),
        ("anthropic", "anthropic", MESSAGE | {"output_tokens": 504}, "usage.iterations"),
        ("anthropic", "anthropic", MESSAGE | {"cache_creation": {}}, "usage.iterations"),
        (
            "anthropic",
            "anthropic",
            {"input_tokens": 1, "iterations": [{"type": "compaction", "input_tokens": 1}]},
            "usage.iterations[0].type",
        ),
        ("openrouter", "openrouter", {"prompt_tokens": 1, "is_byok": True}, "usage.is_byok"),
        ("xai", "xai", {"prompt_tokens": 1, "num_sources_used": 2}, "usage.num_sources_used"),
        ("xai", "xai", {"prompt_tokens": 1, "num_server_side_tools_used": 2}, ""),
        ("perplexity", "perplexity", {"prompt_tokens": 1, "search_context_size": "low"}, ""),
        ("openai", "google", {"prompt_tokens": 1, "completion_tokens": 2}, "usage.total_tokens"),
        (
            "openai",
            "openai",
            {
                "prompt_tokens": 9,
                "prompt_tokens_details": {"audio_tokens": 3, "cached_tokens": 3},
            },
            "usage.prompt_tokens",
        ),
        ("openai", "deepseek", {"prompt_tokens": 9, "prompt_cache_hit_tokens": 8}, ""),
        ("bedrock", "bedrock", {"inputTokens": 9, "cacheDetails": [{"ttl": "2h"}]}, ""),
        ("cohere", "cohere", {"billed_units": {"images": 3}}, "usage.billed_units.images"),
        ("mistral", "mistral", {"prompt_tokens": 4, "prompt_audio_seconds": 203}, ""),
        ("openai", "openai", {"type": "duration", "seconds": 3.0004}, "usage.seconds"),
        ("xai", "xai", {"billable_audio_seconds": 1e-9}, "usage.billable_audio_seconds"),
        (
            "xai",
            "xai",
            {"billable_audio_seconds": 0, "input_tokens": 9},
            "usage.billable_audio_seconds",
        ),
        (
            "openai",
            "openai",
            {
                "prompt_tokens": 1,
                "completion_tokens": 2,
                "completion_tokens_details": {"reasoning_tokens": 3},
            },
            "usage.completion_tokens",
        ),
        (
            "openai",
            "openai",
            {
                "prompt_tokens": 1,
                "completion_tokens": 2,
                "completion_tokens_details": {"rejected_prediction_tokens": 3},
            },
            "usage.completion_tokens_details.rejected_prediction_tokens",
        ),
        (
            "openai",
            "openai",
            {"prompt_tokens": 10, "prompt_tokens_details": {"text_tokens": 9}},
            "usage.prompt_tokens_details.text_tokens",
        ),
        (
            "openai",
            "openai",
            {
                "input_tokens": 10,
                "input_token_details": {
                    "cached_tokens": 5,
                    "cached_tokens_details": {"text_tokens": 4},
                },
            },
            "usage.input_token_details.cached_tokens_details.text_tokens",
        ),
        (
            "mistral",
            "mistral",
            {
                "prompt_tokens": 10,
                "prompt_tokens_details": {"cached_tokens": 5},
                "num_cached_tokens": 4,
            },
            "usage.num_cached_tokens",
        ),
        (
            "xai",
            "xai",
            {"prompt_tokens": 10, "prompt_text_tokens": 6, "prompt_image_tokens": 3},
            "usage.prompt_text_tokens",
        ),
        (
            "gemini",
            "google",
            {
                "promptTokenCount": 10,
                "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 9}],
            },
            "usage.promptTokensDetails",
        ),
        ("nova", "bedrock", SONIC | {"totalInputTokens": 121}, "usage.totalInputTokens"),
        (
            "anthropic",
            "anthropic",
            {
                "input_tokens": 1,
                "output_tokens": 2,
                "output_tokens_details": {"thinking_tokens": 3},
            },
            "usage.output_tokens_details.thinking_tokens",
        ),
        (
            "litellm",
            "anthropic",
            {
                "prompt_tokens": 9,
                "prompt_tokens_details": {
                    "cache_creation_tokens": 8,
                    "cache_creation_token_details": {"ephemeral_1h_input_tokens": 7},
                },
            },
            "usage.prompt_tokens_details.cache_creation_token_details",
        ),
        ("auto", "acme", {"tokens_used": 12}, "usage.(object)"),
        ("auto", "mistral", {"pages_processed": 12}, "usage.(object)"),
    ],
)
def test_a_contradiction_or_an_unknown_mark_is_named(
    usage_format: UsageFormat, provider: str, usage: dict[str, Any], path: str
) -> None:
    model = "gemini-2.5-flash" if provider == "google" else "a-model"
    found = unread_in(usage_format, usage, provider, model)
    assert found
    assert path == "" or path in found
