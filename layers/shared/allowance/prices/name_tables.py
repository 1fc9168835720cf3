"""The names that gateways, clouds and vendors use for providers and models: data for the rules in
`names`.
"""

from allowance.prices.bedrock_names import BEDROCK

PROVIDERS = {
    "aws": BEDROCK,
    "aws.bedrock": BEDROCK,
    "aws-bedrock": BEDROCK,
    "amazon": BEDROCK,
    "amazon-bedrock": BEDROCK,
    "bedrock-converse": BEDROCK,
    "bedrock-runtime": BEDROCK,
    "azure-ai": "azure",
    "azure-openai": "azure",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "azure-cognitive-services": "azure",
    "cloudflare-workers-ai": "cloudflare",
    "workers-ai": "cloudflare",
    "cohere-chat": "cohere",
    "fireworks-ai": "fireworks",
    "gcp.gemini": "google",
    "gcp.gen-ai": "google",
    "gcp.vertex-ai": "google",
    "gemini": "google",
    "google-ai-studio": "google",
    "google-genai": "google",
    "google-vertex": "google",
    "google-vertex-anthropic": "google",
    "google-vertex-ai": "google",
    "vertex": "google",
    "vertex-ai": "google",
    "vertex-ai-beta": "google",
    "vertexai": "google",
    "github-copilot": "copilot",
    "meta-llama": "meta",
    "mistral-ai": "mistral",
    "mistralai": "mistral",
    "moonshot": "moonshotai",
    "moonshot-ai": "moonshotai",
    "novita-ai": "novita",
    "perplexity-ai": "perplexity",
    "together-ai": "together",
    "togetherai": "together",
    "voyage": "voyageai",
    "voyage-ai": "voyageai",
    "x.ai": "x-ai",
    "x-ai": "x-ai",
    "xai": "x-ai",
    "z-ai": "zai",
    "z.ai": "zai",
} | {
    f"huggingface{mark}{host}": f"huggingface_{host}"
    for mark in "-/"
    for host in (
        "cerebras",
        "fireworks-ai",
        "groq",
        "hyperbolic",
        "nebius",
        "novita",
        "nscale",
        "ovhcloud",
        "publicai",
        "sambanova",
        "together",
    )
}
"""The price book's provider by the name that LiteLLM, OpenTelemetry, models.dev or a vendor's SDK
uses.

All names have hyphens: an underscore in a provider's name is read as a hyphen.
"""

GATEWAYS = frozenset({"ai-gateway", "bifrost", "gateway", "litellm", "litellm-proxy", "portkey"})
"""Names of software, not of sellers: the prefix of the model names the seller."""

OWN_PLATFORMS = {
    "azure-cognitive-services": "azure-cognitive-services",
    "google-vertex-anthropic": "google-vertex",
} | dict.fromkeys(
    (
        "gcp.vertex-ai",
        "google-vertex",
        "google-vertex-ai",
        "vertex",
        "vertex-ai",
        "vertex-ai-beta",
        "vertexai",
    ),
    "google-vertex",
)
"""Names of a platform with rows and prices of its own. They come before its vendor's rows."""

RULED_AS = {
    "azure-cognitive-services": "azure",
    "google-vertex": "google",
    "google-vertex-anthropic": "google",
}
"""Platforms whose names mean what they mean to the rules of another provider in genai-prices."""

FIREWORKS_PATH = "accounts/fireworks/models/"

OTHERWISE_PRICED = frozenset(
    {
        ("openai", "gpt-4o-2024-05-13"),
        *((seller, "openai/gpt-4o-2024-05-13") for seller in ("kilo", "openrouter", "orcarouter")),
        ("nano-gpt", "openai/gpt-4o-2024-11-20"),
        ("llmgateway", "qwen3-max-2026-01-23"),
        ("kilo", "qwen/qwen-plus-2025-07-28"),
        ("mistral", "ministral-8b-latest"),
    }
)
"""Releases with another price than their family. Without a row of their own, they have no price."""

SAME_MODEL = {"gpt-4-0314": "gpt-4", "gpt-4-0613": "gpt-4", "grok-4": "grok-4-0709"} | {
    "gemini-2.5-flash-lite-preview-09-2025": "gemini-2.5-flash-lite"
}
"""Names that no rule can derive, but that mean the same model at the same price. Their makers state
so.
"""

SOLD_ALIKE = {
    "azure": {
        "openai": r"(gpt|chatgpt|codex|text-embedding|o\d)\b",
        "anthropic": r"claude\b",
        "x-ai": r"grok\b",
        "moonshotai": r"kimi\b",
    },
    "google": {"anthropic": r"claude\b"},
}
"""Makers whose price a cloud charges for a model that it does not list, by
`fallback_model_providers` of genai-prices.

The models that the book has from both confirm each. They do not confirm Azure's DeepSeek, so it is
absent.
"""
