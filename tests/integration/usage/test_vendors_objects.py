"""The cost of vendors' usage objects at the shipped prices."""

from typing import Any

import pytest

from tests.committed_book import APPLIED
from tests.gateway import Client
from tests.postgres import Database
from tests.price_books import seed
from tests.usage import of_vendor, results


@pytest.mark.parametrize(
    ("provider", "model", "usage_format", "usage", "micros"),
    [
        (
            "openai",
            "gpt-5.6-luna",
            "openai",
            {
                "prompt_tokens": 3541,
                "completion_tokens": 5,
                "total_tokens": 3546,
                "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 3538},
            },
            891,
        ),
        (
            "openai",
            "gpt-5.6-luna",
            "auto",
            {
                "input_tokens": 3541,
                "output_tokens": 5,
                "total_tokens": 3546,
                "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 3538},
            },
            891,
        ),
        (
            "deepseek",
            "deepseek-chat",
            "openai",
            {
                "prompt_tokens": 100_000,
                "prompt_cache_hit_tokens": 99_000,
                "prompt_cache_miss_tokens": 1000,
                "completion_tokens": 100,
                "total_tokens": 100_100,
            },
            3655,
        ),
        (
            "xai",
            "grok-4-0709",
            "openai",
            {
                "prompt_tokens": 1000,
                "completion_tokens": 1000,
                "total_tokens": 2500,
                "completion_tokens_details": {"reasoning_tokens": 500},
            },
            25_500,
        ),
        (
            "bedrock",
            "eu.anthropic.claude-opus-4-5-20251101-v1:0",
            "litellm",
            {
                "prompt_tokens": 98_805,
                "completion_tokens": 5120,
                "total_tokens": 103_925,
                "prompt_tokens_details": {
                    "cached_tokens": 66_360,
                    "cache_creation_tokens": 32_435,
                },
                "cache_read_input_tokens": 66_360,
                "cache_creation_input_tokens": 32_435,
            },
            # 10 x 5.5, 66,360 x 0.55, 32,435 x 6.875 and 5,120 x 27.5, rounded half-even.
            400_344,
        ),
        (
            "anthropic",
            "claude-opus-4-6",
            "anthropic",
            {"input_tokens": 1000, "output_tokens": 1000, "service_tier": "batch"},
            15_000,
        ),
        (
            "google",
            "gemini-2.5-flash",
            "gemini",
            {"promptTokenCount": 100, "responseTokenCount": 900, "totalTokenCount": 1000},
            2280,
        ),
    ],
)
def test_objects_of_vendors_cost_what_the_shipped_prices_say(
    gateway: Client,
    database: Database,
    provider: str,
    model: str,
    usage_format: str,
    usage: dict[str, Any],
    micros: int,
) -> None:
    known = "x-ai" if provider == "xai" else provider
    seed(APPLIED[known, model])
    (found,) = results(gateway, of_vendor(usage, usage_format, provider=provider, model=model))
    assert found == {
        "status": "recorded",
        "cost_micros": micros,
        "priced": True,
        "attributed": True,
        "validations": [],
    }
    assert database.rows(
        "SELECT num_nonnulls(usage_format, usage_object, unpriced_reasons) FROM ai_usage"
    ) == [(0,)]
