"""What gateways, clouds and vendors call the providers and models of the price book: data of the
rules in `names`.
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
    "xai": "x-ai",
    "z-ai": "zai",
    "z.ai": "zai",
}
"""What LiteLLM, OpenTelemetry, models.dev and the vendors' SDKs call the providers of the price
book.

All written with hyphens: an underscore in a provider's name is read as one.
"""

GATEWAYS = frozenset({"ai-gateway", "bifrost", "gateway", "litellm", "litellm-proxy", "portkey"})
"""Names of software, not of sellers: the model's own prefix says who sells it."""

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
"""Names of a platform that has rows of its own, at prices of its own: those come before its
vendor's.
"""

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
"""Releases that cost something else than their family does: where they have no row, they have no
price.
"""

SAME_MODEL = {"gpt-4-0314": "gpt-4", "gpt-4-0613": "gpt-4", "grok-4": "grok-4-0709"} | {
    "gemini-2.5-flash-lite-preview-09-2025": "gemini-2.5-flash-lite"
}
"""Names that no rule may lead to another, but that are known to mean it, at its price: the makers
say so.
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

Each is borne out by the models that the book has of both; Azure's DeepSeek was not, and is not
here.
"""
