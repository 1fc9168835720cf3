"""Marks behind a name: those that change no price fall away, others leave the name unpriced."""

import pytest

from allowance.prices.name_marks import CLIENT_MARKS, MARKED_SELLERS, TIERED_SELLERS, unmarked
from tests.priced_names import ROWS, resolved

SONNET = "anthropic/claude-sonnet-4.5"
LLAMA = "meta-llama/llama-3.3-70b-instruct"


@pytest.mark.parametrize(
    ("provider", "model", "row"),
    [
        ("openrouter", f"{SONNET}:nitro", SONNET),
        ("openrouter", f"openrouter/{LLAMA}:floor", LLAMA),
        ("openrouter", f"{LLAMA}:exacto", LLAMA),
        ("openrouter", f"{LLAMA}:free:nitro", f"{LLAMA}:free"),
        ("openrouter", "anthropic/claude-3.7-sonnet:thinking", "anthropic/claude-3.7-sonnet"),
        ("openrouter", "anthropic/claude-3.7-sonnet:beta", "anthropic/claude-3.7-sonnet"),
        ("openrouter", "anthropic/claude-4.5-sonnet-20250929:nitro", SONNET),
        ("openrouter", f"{SONNET}[1m]", SONNET),
        ("anthropic", "claude-sonnet-4-5[1m]", "claude-sonnet-4-5"),
        ("anthropic", "claude-opus-4-6[1m]@high", "claude-opus-4-6"),
        ("anthropic", "claude-opus-4-5-thinking", "claude-opus-4-5"),
        ("anthropic", "claude-opus-4-5-20251101-thinking", "claude-opus-4-5-20251101"),
        ("bedrock", "us.anthropic.claude-opus-4-6-v1[1m]", "us.anthropic.claude-opus-4-6-v1"),
        ("openai", "gpt-5@high", "gpt-5"),
        ("openai", "gpt-5(xhigh)", "gpt-5"),
        ("openai", "gpt-5-codex-high", "gpt-5-codex"),
        ("openrouter", "openai/gpt-5-mini-low", "openai/gpt-5-mini"),
        ("gemini", "gemini-2.5-pro(8192)", "gemini-2.5-pro"),
    ],
)
def test_a_mark_that_changes_no_price_falls_away(provider: str, model: str, row: str):
    found = resolved(provider, model)
    assert found
    assert (found.provider, found.model) == (provider.replace("gemini", "google"), row)
    assert ": " in found.rule
    assert "without " in found.rule


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        # A fee for each search, which the name does not tell.
        ("openrouter", f"{SONNET}:online"),
        ("openrouter", f"{SONNET}:online:nitro"),
        # Other prices, unless they have a row.
        ("openrouter", "openai/gpt-5:extended"),
        ("openrouter", f"{SONNET}:free"),
        ("openrouter", "qwen/qwen3-max:thinking"),
        ("openrouter", "openai/gpt-4o:beta"),
        ("openai", "gpt-5-fast"),
        ("openai", "gpt-5-high-fast"),
        ("openai", "gpt-image-1-high"),
        ("anthropic", "claude-opus-4-6-fast"),
        # A long context costs more, and the book does not say how much.
        ("anthropic", "claude-sonnet-4-20250514[1m]"),
        ("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0[1m]"),
        ("azure", "claude-sonnet-4-5[1m]"),
        # Only OpenRouter has its routes, and some resellers charge by the effort.
        ("openai", "gpt-5:nitro"),
        ("nano-gpt", "openai/gpt-5@high"),
        # The model is another one without it.
        ("moonshotai", "kimi-k3-thinking"),
        ("gemini", "gemini-2.5-flash-thinking"),
    ],
)
def test_a_mark_that_can_change_the_price_leaves_none(provider: str, model: str):
    assert resolved(provider, model) is None


def test_a_row_with_the_mark_in_its_name_has_its_own_price():
    for model in ("openai/gpt-4o:extended", f"{LLAMA}:free", "openai/o3-mini-high"):
        found = resolved("openrouter", model)
        assert found
        assert found.model == model


def test_a_long_context_of_sonnet_4_is_priced_only_by_tiers():
    for provider, model in ROWS:
        marked = f"{model}[1m]"
        if provider in MARKED_SELLERS and "sonnet-4" in model and resolved(provider, marked):
            is_later = any(version in model for version in ("4-6", "4.6"))
            assert is_later or "tiers" in ROWS[provider, model], (provider, model)
    for provider, model in [("anthropic", "claude-sonnet-4-5"), ("openrouter", SONNET)]:
        assert provider in TIERED_SELLERS
        assert resolved(provider, f"{model}[1m]")


def test_a_name_without_a_mark_stays_and_marks_end():
    for seller in ("openrouter", "openai", "acme"):
        assert unmarked(seller, "gpt-5.1-codex-max") == ("gpt-5.1-codex-max", ())
    assert unmarked("openai", "@high") == ("@high", ())
    name, rules = unmarked("openrouter", "a" + ":nitro@high" * 20)
    assert (name, len(rules)) == ("a", 40)
    assert all(shape.groups == 1 for shape in CLIENT_MARKS.values())
