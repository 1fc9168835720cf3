"""Vendors' usage objects: cached tokens count once; an impossible count names its path."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowance.errors import Problem, UsageOutOfRange
from allowance.prices.cost import MAX_TOKENS, TOKEN_CLASSES, Tokens
from allowance.usage.formats import READERS, UsageFormat, tokens_of
from allowance.usage.records import TokenCounts

CHAT = {
    "prompt_tokens": 2006,
    "completion_tokens": 300,
    "total_tokens": 2306,
    "prompt_tokens_details": {"cached_tokens": 1920, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 128, "accepted_prediction_tokens": 0},
}
RESPONSES = {
    "input_tokens": 2006,
    "input_tokens_details": {"cached_tokens": 1920},
    "output_tokens": 300,
    "output_tokens_details": {"reasoning_tokens": 128},
    "total_tokens": 2306,
}
ANTHROPIC = {
    "input_tokens": 50,
    "output_tokens": 503,
    "cache_read_input_tokens": 100000,
    "cache_creation_input_tokens": 248,
    "cache_creation": {"ephemeral_5m_input_tokens": 148, "ephemeral_1h_input_tokens": 100},
    "service_tier": "standard",
    "server_tool_use": None,
}
GEMINI = {
    "promptTokenCount": 1000,
    "cachedContentTokenCount": 800,
    "candidatesTokenCount": 50,
    "thoughtsTokenCount": 30,
    "toolUsePromptTokenCount": 7,
    "totalTokenCount": 1087,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 1000}],
}
BEDROCK = {
    "inputTokens": 10,
    "outputTokens": 20,
    "totalTokens": 330,
    "cacheReadInputTokens": 200,
    "cacheWriteInputTokens": 100,
    "cacheDetails": [{"ttl": "1h", "inputTokens": 60}, {"ttl": "5m", "inputTokens": 40}],
}


READABLE: list[tuple[UsageFormat, dict[str, Any], Tokens]] = [
    ("openai", CHAT, Tokens(86, 300, 1920)),
    ("openai", RESPONSES, Tokens(86, 300, 1920)),
    ("openai", {"prompt_tokens": 8, "total_tokens": 8}, Tokens(8)),  # embeddings
    (
        "openai",
        {"prompt_tokens": 8, "completion_tokens": 1, "prompt_tokens_details": None},
        Tokens(8, 1),
    ),
    ("anthropic", ANTHROPIC, Tokens(50, 503, 100000, 148, 100)),
    (
        "anthropic",
        {"input_tokens": 1, "output_tokens": 2, "cache_creation_input_tokens": None},
        Tokens(1, 2),
    ),
    ("anthropic", {"input_tokens": 1, "cache_creation_input_tokens": 9}, Tokens(1, 0, 0, 9)),
    (
        "anthropic",
        {"input_tokens": 1, "cache_creation": {"ephemeral_1h_input_tokens": 4}},
        Tokens(1, 0, 0, 0, 4),
    ),
    ("gemini", GEMINI, Tokens(207, 80, 800)),
    (
        "gemini",
        {"prompt_token_count": 5, "candidates_token_count": 3, "thoughts_token_count": 2},
        Tokens(5, 5),
    ),
    # Thoughts that are in the candidates already.
    (
        "gemini",
        {
            "promptTokenCount": 5,
            "candidatesTokenCount": 3,
            "thoughtsTokenCount": 2,
            "totalTokenCount": 8,
        },
        Tokens(5, 3),
    ),
    ("bedrock", BEDROCK, Tokens(10, 20, 200, 40, 60)),
    ("bedrock", {"inputTokens": 10, "outputTokens": 20, "totalTokens": 30}, Tokens(10, 20)),
]


@pytest.mark.parametrize(("usage_format", "usage", "tokens"), READABLE)
def test_a_usage_object_is_read(usage_format: Any, usage: dict[str, Any], tokens: Tokens) -> None:
    assert tokens_of(usage_format, usage) == tokens


@pytest.mark.parametrize(
    ("usage_format", "usage", "fields"),
    [
        ("openai", {}, ["usage.prompt_tokens"]),
        ("openai", CHAT | {"prompt_tokens_details": {"cached_tokens": 2007}},
         ["usage.prompt_tokens_details.cached_tokens"]),
        ("openai", RESPONSES | {"output_tokens_details": {"reasoning_tokens": 301}},
         ["usage.output_tokens_details.reasoning_tokens"]),
        ("openai", CHAT | {"prompt_tokens_details": {"audio_tokens": 2007}},
         ["usage.prompt_tokens_details.audio_tokens"]),
        (
            "openai",
            {"prompt_tokens": 5, "completion_tokens": 2,
             "completion_tokens_details": {"accepted_prediction_tokens": 3}},
            ["usage.completion_tokens_details.accepted_prediction_tokens"],
        ),
        ("openai", CHAT | {"total_tokens": 2305}, ["usage.total_tokens"]),
        ("openai", CHAT | {"prompt_tokens_details": 3}, ["usage.prompt_tokens_details"]),
        ("openai", {"prompt_tokens": True, "completion_tokens": -1},
         ["usage.prompt_tokens", "usage.completion_tokens"]),
        ("openai", {"prompt_tokens": 1.0}, ["usage.prompt_tokens"]),
        ("openai", {"prompt_tokens": MAX_TOKENS + 1}, ["usage.prompt_tokens"]),
        ("anthropic", ANTHROPIC | {"cache_creation_input_tokens": 247}, ["usage.cache_creation"]),
        ("anthropic", {"output_tokens": "5"}, ["usage.input_tokens", "usage.output_tokens"]),
        ("gemini", GEMINI | {"cachedContentTokenCount": 1001}, ["usage.cachedContentTokenCount"]),
        ("gemini", GEMINI | {"totalTokenCount": 1086}, ["usage.promptTokenCount"]),
        ("bedrock", BEDROCK | {"cacheDetails": [{"ttl": "1h", "inputTokens": 101}]},
         ["usage.cacheDetails"]),
        ("bedrock", BEDROCK | {"cacheDetails": [5]}, ["usage.cacheDetails[0]"]),
        ("bedrock", BEDROCK | {"cacheDetails": {}}, ["usage.cacheDetails"]),
        ("bedrock", BEDROCK | {"totalTokens": 29}, ["usage.totalTokens"]),
    ],
)  # fmt: skip
def test_an_impossible_count_is_rejected_by_its_path(
    usage_format: Any, usage: dict[str, Any], fields: list[str]
) -> None:
    with pytest.raises(UsageOutOfRange) as caught:
        tokens_of(usage_format, usage)
    assert [each.field for each in caught.value.problems] == fields


count = st.integers(0, 10**6)


@given(count, count, count, count)
def test_no_token_is_counted_twice_or_lost(
    fresh: int, cached: int, plain: int, reasoning: int
) -> None:
    chat = tokens_of(
        "openai",
        {
            "prompt_tokens": fresh + cached,
            "completion_tokens": plain + reasoning,
            "prompt_tokens_details": {"cached_tokens": cached},
            "completion_tokens_details": {"reasoning_tokens": reasoning},
            "total_tokens": fresh + cached + plain + reasoning,
        },
    )
    gemini = tokens_of(
        "gemini",
        {
            "promptTokenCount": fresh + cached,
            "cachedContentTokenCount": cached,
            "candidatesTokenCount": plain,
            "thoughtsTokenCount": reasoning,
        },
    )
    beside = {
        "input_tokens": fresh,
        "output_tokens": plain + reasoning,
        "cache_read_input_tokens": cached,
    }
    assert (
        chat == gemini == tokens_of("anthropic", beside) == Tokens(fresh, plain + reasoning, cached)
    )


@given(count, count, count)
def test_both_kinds_of_cache_entries_add_up_to_the_written_tokens(
    minutes: int, hour: int, more: int
) -> None:
    created = {"ephemeral_5m_input_tokens": minutes, "ephemeral_1h_input_tokens": hour}
    anthropic = tokens_of(
        "anthropic",
        {
            "input_tokens": 0,
            "cache_creation_input_tokens": minutes + hour + more,
            "cache_creation": created,
        },
    )
    assert anthropic == Tokens(0, 0, 0, minutes + more, hour)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
KEYS = sorted({*CHAT, *RESPONSES, *ANTHROPIC, *GEMINI, *BEDROCK})


@given(
    st.sampled_from(get_args(UsageFormat)),
    st.dictionaries(st.sampled_from(KEYS), json_values),
)
def test_any_object_gives_tokens_or_a_rejection(usage_format: Any, usage: dict[str, Any]) -> None:
    problems: list[Problem] = []
    tokens = Tokens()
    try:
        tokens = tokens_of(usage_format, usage)
    except UsageOutOfRange as error:
        problems = error.problems
    assert all(each.field.startswith(("usage.", "tokens.")) for each in problems)
    assert all(0 <= each <= MAX_TOKENS for each in tokens.by_class().values())


def test_every_format_has_a_reader_and_an_example() -> None:
    formats = set(get_args(UsageFormat))
    assert READERS.keys() == formats
    assert {usage_format for usage_format, _, _ in READABLE} == formats


def test_a_format_without_a_reader_rejects_the_record_alone() -> None:
    unknown: Any = "cohere"
    with pytest.raises(UsageOutOfRange) as caught:
        tokens_of(unknown, {})
    assert [each.field for each in caught.value.problems] == ["usage_format"]


def test_records_and_costs_know_the_same_token_classes() -> None:
    assert tuple(TokenCounts.model_fields) == TOKEN_CLASSES == Tokens._fields
