"""From the name that a gateway sends to the row of the price book: exact first, explained, and
never another model.
"""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowance.prices.bedrock_names import GLOBAL, REGIONAL
from allowance.prices.names import EXACT, MAX_CANDIDATES, Candidate, candidates
from local.price_book import BOOK_FILE

PRICES = json.loads(BOOK_FILE.read_text())["prices"]
ROWS = {
    (row["provider"], row["model"].lower()): row
    for row in PRICES
    if "held" not in row and "effective_from" not in row
}

name = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=40)
shaped = st.from_regex(
    r"([a-z]{2}\.)?([a-z]{1,9}[./@:-]){0,4}[a-z0-9]{1,9}(-20\d{6})?(-v\d(:\d)?)?", fullmatch=True
)


def resolved(provider: str, model: str) -> Candidate | None:
    """The first candidate that has a row, as the database picks it."""
    return next(
        (
            each
            for each in candidates(provider, model)
            if (each.provider, each.model.lower()) in ROWS
        ),
        None,
    )


def names(provider: str, model: str) -> list[tuple[str, str]]:
    return [(each.provider, each.model) for each in candidates(provider, model)]


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
        ("bedrock", "us-gov.anthropic.claude-opus-5-5", "regional.anthropic.claude-opus-5-5"),
        ("bedrock", "anthropic.claude-opus-5-5", "regional.anthropic.claude-opus-5-5"),
        ("bedrock", "claude-opus-5-5", "regional.anthropic.claude-opus-5-5"),
        ("bedrock", "global.anthropic.claude-opus-5-5", "global.anthropic.claude-opus-5-5"),
        ("bedrock", "global.anthropic.claude-sonnet-5", "global.anthropic.claude-sonnet-5-v1:0"),
        (
            "bedrock",
            "apac.anthropic.claude-opus-4-8-20260401-v1:0",
            "regional.anthropic.claude-opus-4-8-v1:0",
        ),
        ("bedrock", "apac.amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0"),
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
        (
            "anthropic",
            "arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/anthropic.claude-opus-5",
            "regional.anthropic.claude-opus-5",
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


def test_a_small_model_is_never_taken_for_the_large_one():
    for provider, small, large in [
        ("openai", "gpt-4o-mini", "gpt-4o"),
        ("openai", "gpt-4o-mini-2024-07-18", "gpt-4o"),
        ("google", "gemini-2.5-flash-lite-001", "gemini-2.5-flash"),
        ("google", "gemini-2.5-flash-preview-05-20", "gemini-2.5-flash"),
        ("openai", "gpt-4-0613-preview", "gpt-4"),
        ("mistral", "mistral-large-2402", "mistral-large"),
        ("azure", "eu/gpt-4o-mini", "gpt-4o"),
        ("openai", "ft:gpt-4o-mini:acme::Ab12", "gpt-4o-mini"),
    ]:
        assert large not in {model for _, model in names(provider, small)}, small


def test_a_global_endpoint_is_never_priced_as_a_regional_one_nor_the_reverse():
    for sent in ("global.anthropic.claude-opus-5-5", "global.openai.gpt-9"):
        assert all(model.startswith(GLOBAL) for _, model in names("bedrock", sent))
    for sent in (
        "us.anthropic.claude-opus-5-5",
        "anthropic.claude-opus-5-5",
        "regional.openai.gpt-6-sol",
    ):
        models = [model for _, model in names("bedrock", sent)]
        assert not any(model.startswith(GLOBAL) for model in models)
        assert any(model.startswith(REGIONAL) for model in models)


def test_a_dated_model_is_looked_for_everywhere_before_its_family_is():
    assert names("azure", "gpt-4o-2024-08-06") == [
        ("azure", "gpt-4o-2024-08-06"),
        ("openai", "gpt-4o-2024-08-06"),
        ("azure", "gpt-4o"),
        ("openai", "gpt-4o"),
    ]


def test_a_release_that_costs_something_else_than_its_family_never_takes_the_price_of_it():
    assert names("openai", "gpt-4o-2024-05-13") == [("openai", "gpt-4o-2024-05-13")]
    assert names("azure", "gpt-4o-2024-05-13") == [
        ("azure", "gpt-4o-2024-05-13"),
        ("openai", "gpt-4o-2024-05-13"),
    ]
    assert names("mistral", "ministral-8b-latest") == [("mistral", "ministral-8b-latest")]


def test_every_row_of_the_book_is_found_by_its_own_name_first():
    for row in PRICES:
        first = candidates(row["provider"], row["model"])[0]
        assert first == Candidate(row["provider"], row["model"], EXACT)


OTHERWISE_PRICED = {
    # Two ways to buy one model, at two prices.
    ("perplexity", "perplexity/sonar"),
    # Where models.dev, the only source for the one, has grown older than genai-prices for the
    # other.
    ("azure", "gpt-3.5-turbo-0613"),
    ("azure", "gpt-4"),
    ("azure-cognitive-services", "o1-preview"),
    ("google-vertex", "gemini-2.0-flash"),
    ("google-vertex", "gemini-flash-latest"),
    ("google-vertex", "gemini-flash-lite-latest"),
}
"""Rows that cost something else than the row that their name would lead to without them: hence
exact first.
"""


def test_without_its_row_a_name_leads_to_a_row_of_the_same_price():
    """The strongest check of the rules that the book allows: each finds for one row, if any, one
    that costs the same.
    """
    led, led_astray = 0, set[tuple[str, str]]()
    for key, row in ROWS.items():
        others = (
            (each.provider, each.model.lower())
            for each in candidates(row["provider"], row["model"])
        )
        other = next((each for each in others if each != key and each in ROWS), None)
        led += other is not None
        if other and any(
            ROWS[other][price] != row[price] for price in ("input_price", "output_price")
        ):
            led_astray.add(key)
    assert led_astray == OTHERWISE_PRICED
    assert led > 300


@given(
    provider=name | st.sampled_from(["bedrock", "azure", "google", "litellm"]), model=name | shaped
)
def test_any_name_has_few_candidates_each_once_itself_first_and_always_the_same(
    provider: str, model: str
):
    found = candidates(provider, model)
    assert found[0] == Candidate(provider, model, EXACT)
    assert len({(each.provider, each.model) for each in found}) == len(found) <= MAX_CANDIDATES
    assert found == candidates(provider, model)
    assert all(each.model and each.provider and each.rule for each in found)
    assert [each.rule == EXACT for each in found].count(True) == 1
