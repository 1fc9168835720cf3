"""Vendors that use OpenAI's names, and how each differs. Data, by the provider of the price book."""

from collections.abc import Mapping

from allowance.usage.reading.openai import CACHED, OPENAI, WRITTEN, Dialect

SEARCHES = {"server_tool_use": {"web_search_requests": "web_searches"}}

DEEPSEEK = Dialect(hit_and_miss=("prompt_cache_hit_tokens", "prompt_cache_miss_tokens"))
"""https://api-docs.deepseek.com/api/create-chat-completion"""

XAI = Dialect(
    reasoning_beside=True,
    images_as_text=True,
    cached=("cached_prompt_text_tokens",),
    # Its own statement of the cost, in 1e-10 US dollars.
    nothing={"": ("cost_in_usd_ticks",)},
)
"""https://docs.x.ai/docs/guides/reasoning: reasoning tokens are not in the completion."""

MISTRAL = Dialect(cached=("num_cached_tokens",))
"""https://docs.mistral.ai/api/#tag/chat"""

MOONSHOT = Dialect(cached=("cached_tokens",))
"""https://platform.moonshot.ai/docs/api/chat"""

GROQ = Dialect(
    nothing={"": ("queue_time", "prompt_time", "completion_time", "total_time")},
)
"""https://console.groq.com/docs/api-reference#chat-create: times in seconds."""

GOOGLE = Dialect(reasoning_in_total=True)
"""https://ai.google.dev/gemini-api/docs/openai: thoughts are in the total alone."""

DATABRICKS = Dialect(cached=(CACHED,), written=(WRITTEN,))
"""https://docs.databricks.com/aws/en/machine-learning/foundation-model-apis/api-reference"""

PERPLEXITY = Dialect(
    apart={"citation_tokens": "output_citation", "reasoning_tokens": "output_reasoning"},
    units={"": {"num_search_queries": "web_searches"}},
    # Medium and large contexts cost more by the request.
    marks={"search_context_size": frozenset({"low"})},
    nothing={
        "cost": (
            "input_tokens_cost",
            "output_tokens_cost",
            "citation_tokens_cost",
            "reasoning_tokens_cost",
            "search_queries_cost",
            "request_cost",
            "total_cost",
        )
    },
)
"""https://docs.perplexity.ai/api-reference/chat-completions-post"""

LITELLM = Dialect(
    cached=(CACHED,),
    written=(WRITTEN,),
    units=SEARCHES,
    nothing={"": ("cost",)},
)
"""Claude through LiteLLM: the prompt includes what was cached and what was written."""

OPENROUTER = Dialect(
    units=SEARCHES,
    nothing={
        "": ("cost",),
        "cost_details": (
            "upstream_inference_cost",
            "upstream_inference_prompt_cost",
            "upstream_inference_completions_cost",
            "upstream_inference_input_cost",
            "upstream_inference_output_cost",
        ),
    },
)
"""https://openrouter.ai/docs/use-cases/usage-accounting"""

BY_PROVIDER: Mapping[str, Dialect] = {
    "databricks": DATABRICKS,
    "deepseek": DEEPSEEK,
    "google": GOOGLE,
    "groq": GROQ,
    "mistral": MISTRAL,
    "moonshotai": MOONSHOT,
    "openrouter": OPENROUTER,
    "perplexity": PERPLEXITY,
    "x-ai": XAI,
}


def dialect_of(provider: str, model: str) -> Dialect:
    """Return how a provider differs from OpenAI, by its name in the price book."""
    if provider == "google" and not model.startswith("gemini"):
        return OPENAI
    return BY_PROVIDER.get(provider, OPENAI)
