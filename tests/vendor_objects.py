"""Usage objects as vendors' documents show them, with what they mean."""

from allowance.prices.cost import Tokens
from tests.read_objects import ISSUED, MESSAGE, Example

REALTIME = {
    "total_tokens": 253,
    "input_tokens": 132,
    "output_tokens": 121,
    "input_token_details": {
        "text_tokens": 119,
        "audio_tokens": 13,
        "image_tokens": 0,
        "cached_tokens": 68,
        "cached_tokens_details": {"text_tokens": 64, "audio_tokens": 4, "image_tokens": 0},
    },
    "output_token_details": {"text_tokens": 30, "audio_tokens": 91},
}
GEMINI = {
    "prompt_token_count": 1000,
    "cached_content_token_count": 800,
    "candidates_token_count": 50,
    "thoughts_token_count": 30,
    "tool_use_prompt_token_count": 7,
    "total_token_count": 1087,
    "prompt_tokens_details": [
        {"modality": "TEXT", "token_count": 900},
        {"modality": "AUDIO", "token_count": 100},
    ],
    "cache_tokens_details": [
        {"modality": "TEXT", "token_count": 780},
        {"modality": "AUDIO", "token_count": 20},
    ],
    "traffic_type": "ON_DEMAND_PRIORITY",
}
XAI_TOOLS = {
    "input_tokens": 7583,
    "input_tokens_details": {"cached_tokens": 3072},
    "output_tokens": 3192,
    "output_tokens_details": {"reasoning_tokens": 100},
    "total_tokens": 10775,
    "num_sources_used": 0,
    "num_server_side_tools_used": 6,
    "cost_in_usd_ticks": 292331500,
    "server_side_tool_usage_details": {"web_search_calls": 2, "x_search_calls": 3, "mcp_calls": 1},
    "context_details": {"input_tokens": 5993, "output_tokens": 2995},
}
SONIC = {
    "details": {
        "delta": {"input": {"speechTokens": 1}, "output": {"textTokens": 2}},
        "total": {
            "input": {"speechTokens": 100, "textTokens": 20},
            "output": {"speechTokens": 70, "textTokens": 30},
        },
    },
    "totalInputTokens": 120,
    "totalOutputTokens": 100,
    "totalTokens": 220,
}

OF_VENDORS = (
    Example(
        "openai",
        "openai",
        REALTIME,
        Tokens(55, 30, 64),
        {"input_audio": 9, "cache_read_audio": 4, "output_audio": 91},
    ),
    Example(
        "anthropic",
        "anthropic",
        MESSAGE,
        Tokens(50, 503, 100_000, 148, 100),
        {"web_searches": 2},
        "fast",
    ),
    Example(
        "gemini",
        "google",
        GEMINI,
        Tokens(127, 80, 780),
        {"input_audio": 80, "cache_read_audio": 20},
        "priority",
    ),
    Example(
        "bedrock",
        "bedrock",
        {
            "inputTokens": 10,
            "outputTokens": 20,
            "totalTokens": 330,
            "cacheReadInputTokens": 200,
            "cacheWriteInputTokens": 100,
            "cacheDetails": [{"ttl": "1h", "inputTokens": 60}, {"ttl": "5m", "inputTokens": 40}],
        },
        Tokens(10, 20, 200, 40, 60),
    ),
    Example("nova", "bedrock", SONIC, Tokens(20, 30), {"input_audio": 100, "output_audio": 70}),
    Example(
        "xai",
        "xai",
        XAI_TOOLS,
        Tokens(4511, 3192, 3072),
        {"web_searches": 2, "social_searches": 3},
    ),
    Example(
        "xai",
        "xai",
        {"billable_audio_seconds": 12.5, "input_text_messages": 3, "input_tokens": 90},
        Tokens(),
        {"audio_milliseconds": 12_500, "input_messages": 3},
    ),
    Example(
        "mistral",
        "mistral",
        {
            "prompt_tokens": 30,
            "total_tokens": 30,
            "num_cached_tokens": 9,
            "prompt_tokens_details": {"cached_tokens": 9},
            "prompt_token_details": {"cached_tokens": 9},
        },
        Tokens(21, 0, 9),
    ),
    Example(
        "moonshot",
        "moonshot",
        {"prompt_tokens": 30, "completion_tokens": 2, "total_tokens": 32, "cached_tokens": 9},
        Tokens(21, 2, 9),
    ),
    Example(
        "groq",
        "groq",
        {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "queue_time": 0.0192},
        Tokens(3, 2),
    ),
    Example(
        "databricks",
        "databricks",
        {
            "prompt_tokens": 30,
            "completion_tokens": 2,
            "total_tokens": 32,
            "cache_read_input_tokens": 9,
        },
        Tokens(21, 2, 9),
    ),
    Example(
        "litellm",
        "gemini",
        {
            "prompt_tokens": 10,
            "completion_tokens": 520,
            "total_tokens": 530,
            "completion_tokens_details": {"reasoning_tokens": 500, "text_tokens": 20},
            "prompt_tokens_details": {"text_tokens": 10, "web_search_requests": 1},
        },
        Tokens(10, 520),
        {"web_searches": 1},
        model="gemini-2.5-flash",
    ),
    Example(
        "openrouter",
        "openrouter",
        {
            "prompt_tokens": 194,
            "completion_tokens": 2,
            "total_tokens": 196,
            "cost": 0.95,
            "is_byok": False,
            "cost_details": {"upstream_inference_cost": 19.5},
            "prompt_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 50},
            "server_tool_use": {"web_search_requests": 1},
        },
        Tokens(44, 2, 100, 50),
        {"web_searches": 1},
    ),
    Example(
        "perplexity",
        "perplexity",
        {
            "prompt_tokens": 33,
            "completion_tokens": 11_395,
            "total_tokens": 11_428,
            "citation_tokens": 8_028,
            "num_search_queries": 18,
            "reasoning_tokens": 74_223,
            "cost": {"currency": "USD", "total_cost": 0.5},
        },
        Tokens(33, 11_395),
        {"output_citation": 8_028, "output_reasoning": 74_223, "web_searches": 18},
        model="sonar-deep-research",
    ),
    Example(
        "perplexity",
        "perplexity",
        {"prompt_tokens": 8, "completion_tokens": 439, "total_tokens": 447},
        Tokens(8, 439),
        {"requests": 1},
        model="sonar-pro",
    ),
    Example(
        "cohere",
        "cohere",
        {
            "billed_units": {"input_tokens": 5, "output_tokens": 418},
            "tokens": {"input_tokens": 71, "output_tokens": 418},
            "cached_tokens": 64,
        },
        Tokens(5, 418),
    ),
    Example(
        "cohere",
        "cohere",
        {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}},
        Tokens(),
        {"rerank_searches": 1},
    ),
    Example(
        "voyage",
        "voyage",
        {"text_tokens": 12, "image_pixels": 560_000, "total_tokens": 1_012},
        Tokens(12),
        {"pixels": 560_000},
    ),
    Example(
        "mistral_ocr",
        "mistral",
        {"pages_processed": 3, "doc_size_bytes": 12_345},
        Tokens(),
        {"pages": 3},
    ),
    Example(
        "cursor",
        "cursor",
        {"inputTokens": 1, "outputTokens": 2, "cacheReadTokens": 3, "cacheWriteTokens": 4},
        Tokens(1, 2, 3, 4),
    ),
    Example(
        "openai",
        "openai",
        {"type": "duration", "seconds": 3.001},
        Tokens(),
        {"audio_milliseconds": 3_001},
    ),
)

EXAMPLES = ISSUED + OF_VENDORS
