"""Which rows of LiteLLM's map are of tokens, and of whom in our names. Pure."""

import re

PROVIDERS = {
    "anthropic": "anthropic",
    "azure": "azure",
    "azure_ai": "azure",
    "baseten": "baseten",
    "bedrock": "bedrock",
    "bedrock_converse": "bedrock",
    "cerebras": "cerebras",
    "cloudflare": "cloudflare",
    "dashscope": "alibaba",
    "databricks": "databricks",
    "deepinfra": "deepinfra",
    "deepseek": "deepseek",
    "fireworks_ai": "fireworks",
    "gemini": "google",
    "github_copilot": "copilot",
    "groq": "groq",
    "minimax": "minimax",
    "mistral": "mistral",
    "moonshot": "moonshotai",
    "nebius": "nebius",
    "novita": "novita",
    "openai": "openai",
    "ovhcloud": "ovhcloud",
    "sambanova": "sambanova",
    "together_ai": "together",
    "vercel_ai_gateway": "vercel",
    "vertex_ai": "google-vertex",
    "voyage": "voyageai",
    "xai": "x-ai",
    "zai": "zai",
}
"""The price book's provider by LiteLLM's. Rows of other providers are not read."""

MODES = {"chat", "completion", "embedding", "responses"}

REGION = r"us-gov|us|eu|apac"
NAMES = {
    "azure": re.compile(rf"(?:(?:{REGION}|global|global-standard)/)?[^/]+"),
    "bedrock": re.compile(r"(?:[a-z]{2}(?:-gov)?-[a-z]+-\d/)?[^/]+\.[^/]+"),
}
"""The names of rows by the token. Others are of images, terms of commitment, or other endpoints."""
