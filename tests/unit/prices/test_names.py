"""From the name that a gateway sends to the row of the price book: exact first, explained, and
never another model.
"""

import pytest

from allowance.prices.names import EXACT
from tests.priced_names import resolved


@pytest.mark.parametrize(
    ("provider", "model", "row"),
    [
        # The day of a release.
        ("anthropic", "claude-fable-5-1-20261001", ("anthropic", "claude-fable-5-1")),
        ("openai", "gpt-6-sol-2026-10-09", ("openai", "gpt-6-sol")),
        ("google", "gemini-3.5-flash-001", ("google", "gemini-3.5-flash")),
        ("google", "gemini-2.5-flash-preview-05-20", ("google", "gemini-2.5-flash-preview")),
        # Another spelling of the same version.
        ("anthropic", "claude-haiku-5.5", ("anthropic", "claude-haiku-5-5")),
        ("anthropic", "claude-5.5-haiku", ("anthropic", "claude-haiku-5-5")),
        ("anthropic", "claude-opus-5-5-latest", ("anthropic", "claude-opus-5-5")),
        ("openai", "gpt-6-1-sol", ("openai", "gpt-6.1-sol")),
        ("copilot", "claude-opus-5-5", ("copilot", "claude-opus-5.5")),
        # Upper case, and the case of the book.
        ("OpenAI", "GPT-6-Sol", ("openai", "gpt-6-sol")),
        ("zai", "glm-5.3-flash", ("zai", "glm-5.3-flash")),
        # Prefixes, and who sells it.
        ("anthropic", "anthropic/claude-sonnet-5", ("anthropic", "claude-sonnet-5")),
        ("litellm", "anthropic/claude-sonnet-5", ("anthropic", "claude-sonnet-5")),
        ("litellm_proxy", "litellm_proxy/xai/grok-4.7", ("x-ai", "grok-4.7")),
        (
            "openrouter",
            "openrouter/anthropic/claude-sonnet-5.5",
            ("openrouter", "anthropic/claude-sonnet-5.5"),
        ),
        ("groq", "groq/llama-3.3-70b-versatile", ("groq", "llama-3.3-70b-versatile")),
        ("xai", "grok-4.7", ("x-ai", "grok-4.7")),
        ("fireworks_ai", "gpt-oss-120b", ("fireworks", "gpt-oss-120b")),
        # Google's clouds.
        ("gemini", "models/gemini-3.5-flash", ("google", "gemini-3.5-flash")),
        (
            "gcp.vertex_ai",
            "publishers/google/models/gemini-3.5-flash",
            ("google", "gemini-3.5-flash"),
        ),
        ("vertex_ai", "claude-sonnet-5-5@20261001", ("google", "claude-sonnet-5-5")),
        ("vertex_ai", "claude-opus-5@default", ("google", "claude-opus-5")),
        ("vertex_ai", "claude-sonnet-5@20260615", ("anthropic", "claude-sonnet-5")),
        # Azure.
        ("azure_openai", "gpt-6-sol", ("openai", "gpt-6-sol")),
        ("azure", "azure/global-standard/gpt-6-sol-2026-10-09", ("openai", "gpt-6-sol")),
        ("azure.ai.openai", "GPT-35-Turbo", ("openai", "gpt-3.5-turbo")),
        # Platforms with prices of their own, dearer or not.
        ("vertex_ai", "gemini-2.0-flash", ("google-vertex", "gemini-2.0-flash")),
        ("litellm", "vertex_ai/gemini-2.0-flash", ("google-vertex", "gemini-2.0-flash")),
        ("gemini", "gemini-2.0-flash", ("google", "gemini-2.0-flash")),
        (
            "vertex_ai",
            "claude-sonnet-4-5@20250929",
            ("google-vertex-anthropic", "claude-sonnet-4-5@20250929"),
        ),
        ("azure_cognitive_services", "o1-preview", ("azure-cognitive-services", "o1-preview")),
        # Names that are known to mean another.
        ("openai", "gpt-4-0613", ("openai", "gpt-4")),
        ("xai", "grok-4-latest", ("x-ai", "grok-4-0709")),
        ("gemini", "gemini-2.5-flash-lite-preview-09-2025", ("google", "gemini-2.5-flash-lite")),
        # Names that only the rules of genai-prices know.
        ("openai", "computer-use-preview-2025-03-11", ("openai", "computer-use")),
        ("openai", "gpt-5.6", ("openai", "gpt-5.6-sol")),
        ("xai", "grok-4-fast", ("x-ai", "grok-4-fast-reasoning")),
        ("gemini", "gemini-pro-latest", ("google", "gemini-3.1-pro-preview")),
        ("vertex_ai", "gemini-pro-latest", ("google", "gemini-3.1-pro-preview")),
        ("vertex_ai", "claude-opus-4-1", ("google", "claude-4-opus")),
        # OpenRouter's dated names.
        (
            "openrouter",
            "openai/gpt-4o-search-preview-2025-03-11",
            ("openrouter", "openai/gpt-4o-search-preview"),
        ),
        (
            "openrouter",
            "anthropic/claude-4.6-sonnet-20260217",
            ("openrouter", "anthropic/claude-sonnet-4.6"),
        ),
        (
            "openrouter",
            "anthropic/claude-5.5-opus-20261101",
            ("openrouter", "anthropic/claude-opus-5.5"),
        ),
        # The path of Fireworks, which one source has and the other has not.
        ("fireworks_ai", "accounts/fireworks/models/glm-5p2-fast", ("fireworks", "glm-5p2-fast")),
        ("litellm", "fireworks_ai/accounts/fireworks/models/glm-5p2", ("fireworks", "glm-5p2")),
        (
            "fireworks",
            "kimi-k2-thinking",
            ("fireworks", "accounts/fireworks/models/kimi-k2-thinking"),
        ),
        # Hugging Face, and its hosts.
        *(
            (provider, model, ("huggingface_novita", "minimaxai/minimax-m2"))
            for provider, model in [
                ("huggingface_novita", "minimaxai/minimax-m2-fast"),
                ("huggingface-novita", "MiniMaxAI/MiniMax-M2"),
                ("huggingface", "novita/MiniMaxAI/MiniMax-M2"),
                ("huggingface", "MiniMaxAI/MiniMax-M2:novita"),
                ("litellm", "huggingface/novita/MiniMaxAI/MiniMax-M2"),
            ]
        ),
        # A fine-tuned model has the price of fine-tuned ones.
        ("openai", "ft:gpt-4o-mini-2024-07-18:acme::Ab12", ("openai", "ft:gpt-4o-mini")),
    ],
)
def test_a_gateways_name_finds_its_row(provider: str, model: str, row: tuple[str, str]):
    found = resolved(provider, model)
    assert found
    assert (found.provider, found.model.lower()) == row
    assert (found.rule == EXACT) is ((provider, model) == (found.provider, found.model))


@pytest.mark.parametrize(
    ("provider", "model", "row"),
    [
        ("bedrock", "us.anthropic.claude-opus-5-5", "regional.anthropic.claude-opus-5-5"),
        ("bedrock", "eu.anthropic.claude-opus-5-5", "regional.anthropic.claude-opus-5-5"),
        ("bedrock", "anthropic.claude-opus-5-5", "regional.anthropic.claude-opus-5-5"),
        ("bedrock", "claude-opus-5-5", "regional.anthropic.claude-opus-5-5"),
        ("bedrock", "global.anthropic.claude-opus-5-5", "global.anthropic.claude-opus-5-5"),
        ("bedrock", "global.anthropic.claude-sonnet-5", "global.anthropic.claude-sonnet-5-v1:0"),
        (
            "bedrock",
            "apac.anthropic.claude-opus-4-8-20260401-v1:0",
            "regional.anthropic.claude-opus-4-8-v1:0",
        ),
        ("bedrock", "amazon.nova-pro-v1:0:300k", "amazon.nova-pro-v1:0"),
        ("aws.bedrock", "us.openai.gpt-6-sol", "regional.openai.gpt-6-sol"),
        (
            "bedrock",
            "bedrock/eu-central-1/anthropic.claude-opus-5",
            "regional.anthropic.claude-opus-5",
        ),
        ("bedrock", "converse/us.anthropic.claude-opus-5", "regional.anthropic.claude-opus-5"),
        (
            "amazon-bedrock",
            "anthropic.claude-3-haiku-20240307-v1:0",
            "regional.anthropic.claude-3-haiku-20240307-v1:0",
        ),
        ("anthropic", "us.anthropic.claude-opus-5", "regional.anthropic.claude-opus-5"),
        (
            "bedrock",
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-5",
            "regional.anthropic.claude-sonnet-5-v1:0",
        ),
    ],
)
def test_a_name_of_bedrock_finds_its_row(provider: str, model: str, row: str):
    found = resolved(provider, model)
    assert found
    assert (found.provider, found.model) == ("bedrock", row)


def test_the_rule_is_for_a_person_to_read():
    found = resolved("aws", "eu.anthropic.claude-opus-4-8-20260401-v1:0")
    assert found
    assert found.rule == (
        "aws is bedrock in the price book; a regional endpoint has the regional price; "
        "without the date -20260401; with its version spelled out"
    )


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        (
            "bedrock",
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6",
        ),
        ("azure", "our-chat-deployment"),
        ("acme", "gpt-4o"),
        ("openai", "gpt-4o-nano"),
        ("openai", "gpt-4o-foo"),
        # The latest of a family without a version.
        ("cohere", "command-latest"),
        ("openai", "anthropic/claude-sonnet-5"),
        # Oracle's names have the form of Bedrock's.
        ("oci", "meta.llama3-3-70b-instruct-v1:0"),
        # Another version of a model.
        ("bedrock", "amazon.nova-pro-v2:0"),
        ("bedrock", "amazon.nova-pro-v1:1"),
        ("anthropic", "claude-sonnet-9-20300101"),
        ("openai", "ft:gpt-6-sol:acme::Ab12"),
        ("google", "gemini-2.5-pro-ultra"),
    ],
)
def test_a_name_that_the_book_does_not_have_is_not_guessed(provider: str, model: str):
    assert resolved(provider, model) is None
