"""Vendors that use OpenAI's names, and how each differs: data, by the provider of the book."""

from collections.abc import Mapping
from dataclasses import replace

from allowance.usage.reading.marks import (
    ANTHROPIC_PLACES,
    ANTHROPIC_SPEEDS,
    GEMINI_TRAFFIC,
    LITELLM_TIERS,
    OPENAI_TIERS,
    PERPLEXITY_SIZES,
)
from allowance.usage.reading.openai import CACHED, OPENAI, WRITTEN, Dialect

TIERS = {"service_tier": OPENAI_TIERS}

ANTHROPIC = Dialect(cached=("cached_tokens",))
"""https://docs.anthropic.com/en/api/openai-sdk"""

HITS = ("prompt_cache_hit_tokens", "prompt_cache_miss_tokens")

DEEPSEEK = Dialect(hit_and_miss=HITS)
"""https://api-docs.deepseek.com/api/create-chat-completion"""

DEEPINFRA = Dialect(nothing=("estimated_cost",))
"""https://deepinfra.com/docs: its own estimate of the cost."""

XAI = Dialect(
    reasoning="beside",
    images_as_text=True,
    cached=("cached_prompt_text_tokens",),
    split=("prompt_text_tokens", "prompt_image_tokens"),
    units={
        "web_searches": ("server_side_tool_usage_details.web_search_calls",),
        "social_searches": ("server_side_tool_usage_details.x_search_calls",),
        "code_executions": ("server_side_tool_usage_details.code_interpreter_calls",),
        "file_searches": ("server_side_tool_usage_details.file_search_calls",),
    },
    calls=("num_server_side_tools_used", "server_side_tool_usage_details"),
    nothing=(
        # Its own statement of the cost, in 1e-10 US dollars.
        "cost_in_usd_ticks",
        # The size of the last context: its tokens are in the counts of the request.
        "context_details.input_tokens",
        "context_details.output_tokens",
        # A server of the caller's costs its tokens alone.
        "server_side_tool_usage_details.mcp_calls",
    ),
)
"""https://docs.x.ai/docs/guides/reasoning: reasoning tokens are not in the completion.
https://docs.x.ai/docs/guides/tools/tool-usage-details
"""

MISTRAL = Dialect(cached=("num_cached_tokens", "prompt_token_details.cached_tokens"))
"""https://docs.mistral.ai/api/endpoint/chat: it may state the same count in three places."""

MOONSHOT = Dialect(cached=("cached_tokens",))
"""https://platform.moonshot.ai/docs/api/chat"""

GROQ = Dialect(
    nothing=("queue_time", "prompt_time", "completion_time", "total_time"),
    marks={"service_tier": {**OPENAI_TIERS, "on_demand": None}},
)
"""https://console.groq.com/docs/api-reference#chat-create: times in seconds."""

SAMBANOVA = Dialect(
    nothing=(
        "acceptance_rate",
        "completion_tokens_after_first_per_sec",
        "completion_tokens_after_first_per_sec_first_ten",
        "completion_tokens_after_first_per_sec_graph",
        "completion_tokens_per_sec",
        "end_time",
        "is_last_response",
        "start_time",
        "stop_reason",
        "time_to_first_token",
        "time_to_first_token_graph",
        "total_latency",
        "total_tokens_per_sec",
    )
)
"""https://docs.sambanova.ai/docs/api-reference: times and rates."""

GOOGLE = Dialect(
    reasoning="in_total", marks=TIERS | {"extra_properties.google.traffic_type": GEMINI_TRAFFIC}
)
"""https://ai.google.dev/gemini-api/docs/openai: thoughts are in the total alone."""

DATABRICKS = Dialect(cached=(CACHED,), written=(WRITTEN,))
"""https://docs.databricks.com/aws/en/machine-learning/foundation-model-apis/api-reference"""

PERPLEXITY = Dialect(
    details_cached=("cached_tokens", CACHED),
    details_written=(WRITTEN,),
    apart={"citation_tokens": "output_citation", "reasoning_tokens": "output_reasoning"},
    units={"web_searches": ("num_search_queries", "tool_calls_details.search_web.invocation")},
    marks=TIERS | {"search_context_size": PERPLEXITY_SIZES},
    nothing=tuple(
        f"cost.{name}"
        for name in (
            "currency",
            "input_tokens_cost",
            "output_tokens_cost",
            "citation_tokens_cost",
            "reasoning_tokens_cost",
            "search_queries_cost",
            "request_cost",
            "input_cost",
            "output_cost",
            "cache_creation_cost",
            "cache_read_cost",
            "tool_calls_cost",
            "total_cost",
        )
    ),
)
"""https://docs.perplexity.ai/api-reference/chat-completions-post"""

SONAR = replace(PERPLEXITY, requests=1)
"""https://docs.perplexity.ai/getting-started/pricing: each request has a price too."""

LITELLM = Dialect(
    cached=(CACHED,),
    written=(WRITTEN,),
    hit_and_miss=HITS,
    units={
        "web_searches": (
            "server_tool_use.web_search_requests",
            "prompt_tokens_details.web_search_requests",
        )
    },
    marks={
        "service_tier": LITELLM_TIERS,
        "speed": ANTHROPIC_SPEEDS,
        "inference_geo": ANTHROPIC_PLACES,
    },
    nothing=("cost", "server_tool_use.web_fetch_requests"),
)
"""https://docs.litellm.ai/docs/completion/usage: the prompt includes what was cached and written,
and the completion includes reasoning.
"""

OPENROUTER = Dialect(
    units={"web_searches": ("server_tool_use.web_search_requests",)},
    nothing=(
        "cost",
        "cost_details.upstream_inference_cost",
        "cost_details.upstream_inference_prompt_cost",
        "cost_details.upstream_inference_completions_cost",
        "cost_details.upstream_inference_input_cost",
        "cost_details.upstream_inference_output_cost",
    ),
)
"""https://openrouter.ai/docs/use-cases/usage-accounting"""

BY_PROVIDER: Mapping[str, Dialect] = {
    "anthropic": ANTHROPIC,
    "databricks": DATABRICKS,
    "deepinfra": DEEPINFRA,
    "deepseek": DEEPSEEK,
    "google": GOOGLE,
    "groq": GROQ,
    "huggingface_sambanova": SAMBANOVA,
    "litellm": LITELLM,
    "litellm-proxy": LITELLM,
    "mistral": MISTRAL,
    "moonshotai": MOONSHOT,
    "openrouter": OPENROUTER,
    "perplexity": PERPLEXITY,
    "sambanova": SAMBANOVA,
    "x-ai": XAI,
}


def dialect_of(provider: str, model: str) -> Dialect:
    """Return how a provider differs from OpenAI, by its name in the price book."""
    if provider == "google" and "gemini" not in model:
        return OPENAI
    return adapted(BY_PROVIDER.get(provider, OPENAI), model)


def adapted(dialect: Dialect, model: str) -> Dialect:
    """Return the dialect for a model: most of Perplexity's have a price by request."""
    name = model.rpartition("/")[2]
    is_sonar = name.startswith("sonar") and "deep-research" not in name
    return SONAR if dialect is PERPLEXITY and is_sonar else dialect
