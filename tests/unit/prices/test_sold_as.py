"""Names that mean the same where they are sold have one name, and no others."""

import pytest

from allowance.prices.names import sold_as


@pytest.mark.parametrize(
    ("meant", "names"),
    [
        (
            "openai/gpt-5.1",
            ["openai gpt-5.1-2025-11-13", "OpenAI GPT-5.1", "litellm openai/gpt-5-1"],
        ),
        ("openai/gpt-4o-2024-05-13", ["openai gpt-4o-2024-05-13"]),
        ("openai/gpt-5-mini", ["openai gpt-5-mini"]),
        (
            "anthropic/claude-sonnet-4-5",
            ["anthropic claude-sonnet-4.5", "anthropic claude-sonnet-4-5-20250929"],
        ),
        (
            "google/gemini-2.5-flash",
            ["gemini gemini-2.5-flash", "google-genai models/gemini-2.5-flash"],
        ),
        (
            "google-vertex/gemini-2.5-flash",
            ["vertex_ai gemini-2.5-flash", "litellm vertex_ai/gemini-2.5-flash"],
        ),
        ("google-vertex/claude-sonnet-4-5", ["vertex_ai claude-sonnet-4-5@20250929"]),
        ("azure/gpt-4o", ["azure_openai gpt-4o-2024-08-06"]),
        ("azure/eu/gpt-4o", ["azure eu/gpt-4o"]),
        (
            "bedrock/anthropic.claude-sonnet-4-5-20250929",
            ["aws us.anthropic.claude-sonnet-4-5-20250929-v1:0"],
        ),
        (
            "bedrock/global.anthropic.claude-sonnet-4-5-20250929",
            ["bedrock global.anthropic.claude-sonnet-4-5-20250929-v1:0"],
        ),
        ("openrouter/openai/gpt-4o:free", ["openrouter openai/gpt-4o:free"]),
        ("openrouter/openai/gpt-4o", ["openrouter openai/gpt-4o:nitro"]),
        ("corp/ours-2", ["corp Ours-2"]),
    ],
)
def test_a_name_has_the_seller_and_the_shortest_of_its_names(meant: str, names: list[str]) -> None:
    assert {"/".join(sold_as(*each.split(" "))) for each in names} == {meant}
