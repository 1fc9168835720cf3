"""Vendors' objects, as their documents show them: read whole, and priced by the price book."""

import pytest

from allowance.prices.cost import Tokens, cost_of
from allowance.prices.terms import PriceTerms
from allowance.usage.reading.formats import UsageFormat, read_usage
from allowance.usage.reading.sides import Reading
from tests.committed_book import APPLIED
from tests.read_objects import (
    BATCH,
    DEEPSEEK,
    LITELLM,
    LIVE,
    LUNA,
    LUNA_RESPONSES,
    ORGANIZATION,
    XAI,
    Example,
)
from tests.vendor_objects import EXAMPLES

NAMED_ONLY = {"mistral_ocr", "litellm"}
"""Formats that a record must name: their fields do not tell them from others."""

PRICED: tuple[tuple[UsageFormat, str, str, object, int], ...] = (
    ("openai", "openai", "gpt-5.6-luna", LUNA, 891),
    ("openai", "openai", "gpt-5.6-luna", LUNA_RESPONSES, 891),
    ("openai", "deepseek", "deepseek-chat", DEEPSEEK, 3655),
    ("openai", "x-ai", "grok-4-0709", XAI, 25_500),
    ("openai", "bedrock", "regional.anthropic.claude-opus-4-5-v1:0", LITELLM, 400_344),
    ("anthropic", "anthropic", "claude-opus-4-6", BATCH, 15_000),
    ("gemini", "google", "gemini-2.5-flash", LIVE, 2280),
    ("openai", "openai", "gpt-4.1", ORGANIZATION, 16_250),
)


@pytest.mark.parametrize(
    "example", EXAMPLES, ids=lambda each: f"{each.usage_format}-{each.provider}"
)
def test_an_object_is_read_whole(example: Example) -> None:
    usage_format, provider, usage, tokens, others, variant, model = example
    found = read_usage(usage_format, usage, provider, model)
    assert found == Reading(tokens, others, variant, ())


@pytest.mark.parametrize(
    "example", EXAMPLES, ids=lambda each: f"{each.usage_format}-{each.provider}"
)
def test_auto_tells_the_format_by_provider_and_shape(example: Example) -> None:
    usage_format, provider, usage, tokens, others, variant, model = example
    found = read_usage("auto", usage, provider, model)
    if usage_format in NAMED_ONLY:
        assert found.unread
    else:
        assert found == Reading(tokens, others, variant, ())


@pytest.mark.parametrize(("usage_format", "provider", "model", "usage", "micros"), PRICED)
def test_an_object_costs_what_its_vendor_charges(
    usage_format: UsageFormat, provider: str, model: str, usage: dict[str, object], micros: int
) -> None:
    row = APPLIED[provider, model]
    terms = PriceTerms.model_validate(
        {name: row[name] for name in PriceTerms.model_fields if name in row}
    )
    found = read_usage(usage_format, usage, provider, model)
    cost = cost_of(found.tokens, terms, found.variant)
    assert (found.unread, dict(found.others)) == ((), {})
    assert cost is not None
    assert cost.micros == micros


@pytest.mark.parametrize("usage_format", ["openai", "auto"])
@pytest.mark.parametrize(
    ("provider", "added"),
    [
        ("deepinfra", {"estimated_cost": 0.000_12}),
        ("sambanova", {"total_latency": 0.25, "is_last_response": True, "stop_reason": "stop"}),
        ("groq", {"total_time": 0.3, "service_tier": "on_demand"}),
        ("litellm", {"cost": 0.01, "speed": "standard"}),
    ],
)
def test_a_provider_has_words_of_its_own_that_cost_nothing(
    usage_format: UsageFormat, provider: str, added: dict[str, object]
) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, **added}
    assert read_usage(usage_format, usage, provider, "a-model") == Reading(
        Tokens(3, 2), {}, None, ()
    )
    assert read_usage(usage_format, usage, "openai", "a-model").unread


@pytest.mark.parametrize("reasoning", [0, 500])
def test_thoughts_of_gemini_are_where_the_total_says(reasoning: int) -> None:
    beside = {
        "prompt_tokens": 10,
        "completion_tokens": 520,
        "total_tokens": 1030,
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }
    inside = beside | {"total_tokens": 530}
    found = [read_usage("openai", each, "google", "gemini-2.5-pro") for each in (beside, inside)]
    assert found == [Reading(Tokens(10, count), {}, None, ()) for count in (1020, 520)]


def test_images_of_xai_cost_what_its_text_does() -> None:
    usage = {
        "prompt_tokens": 300,
        "prompt_tokens_details": {"text_tokens": 44, "image_tokens": 256, "cached_tokens": 40},
    }
    assert read_usage("xai", usage, "xai", "grok-4") == Reading(Tokens(260, 0, 40), {}, None, ())
