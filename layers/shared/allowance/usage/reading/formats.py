"""Read a usage object by the format that a record names, or by what its fields tell."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, get_args

from allowance.errors import UsageOutOfRange
from allowance.prices.cost import Tokens
from allowance.prices.sellers import seller_of
from allowance.usage.reading.anthropic import read_anthropic
from allowance.usage.reading.bedrock import read_converse, read_nova
from allowance.usage.reading.cursor import Cursor, Findings
from allowance.usage.reading.dialects import (
    DATABRICKS,
    DEEPSEEK,
    GROQ,
    LITELLM,
    MISTRAL,
    MOONSHOT,
    OPENROUTER,
    PERPLEXITY,
    XAI,
    adapted,
    dialect_of,
)
from allowance.usage.reading.gemini import read_gemini
from allowance.usage.reading.openai import Dialect, read_openai
from allowance.usage.reading.others import (
    read_annotated_ocr,
    read_cohere,
    read_cursor_event,
    read_ocr,
    read_organization,
    read_total,
    read_voice,
)
from allowance.usage.reading.sides import Counts, Reading

UsageFormat = Literal[
    "auto",
    "openai",
    "anthropic",
    "gemini",
    "bedrock",
    "nova",
    "cohere",
    "cursor",
    "databricks",
    "deepseek",
    "groq",
    "litellm",
    "mistral",
    "mistral_ocr",
    "mistral_ocr_annotated",
    "moonshot",
    "openrouter",
    "perplexity",
    "voyage",
    "xai",
]

type Reader = Callable[[Cursor, Counts], None]

READERS: Mapping[UsageFormat, Reader | Dialect] = {
    "anthropic": read_anthropic,
    "gemini": read_gemini,
    "bedrock": read_converse,
    "nova": read_nova,
    "cohere": read_cohere,
    "cursor": read_cursor_event,
    "databricks": DATABRICKS,
    "deepseek": DEEPSEEK,
    "groq": GROQ,
    "litellm": LITELLM,
    "mistral": MISTRAL,
    "mistral_ocr": read_ocr,
    "mistral_ocr_annotated": read_annotated_ocr,
    "moonshot": MOONSHOT,
    "openrouter": OPENROUTER,
    "perplexity": PERPLEXITY,
    "voyage": read_total,
    "xai": XAI,
}
"""`openai` and `auto` are chosen by provider and shape."""

SHAPES: tuple[tuple[frozenset[str], UsageFormat], ...] = (
    (frozenset({"promptTokenCount", "responseTokenCount", "totalTokenCount"}), "gemini"),
    (frozenset({"prompt_token_count", "response_token_count", "total_token_count"}), "gemini"),
    (frozenset({"cacheReadTokens", "cacheWriteTokens"}), "cursor"),
    (frozenset({"inputTokens"}), "bedrock"),
    (frozenset({"totalInputTokens", "totalOutputTokens"}), "nova"),
    (frozenset({"billed_units", "tokens"}), "cohere"),
    (frozenset({"prompt_tokens", "num_model_requests", "billable_audio_seconds"}), "openai"),
    (
        frozenset(
            {
                "cache_read_input_tokens",
                "cache_creation_input_tokens",
                "cache_creation",
                "server_tool_use",
                "inference_geo",
            }
        ),
        "anthropic",
    ),
    (frozenset({"input_tokens", "seconds"}), "openai"),
    (frozenset({"total_tokens"}), "voyage"),
)
"""The first shape of which a field is there tells the format.

Mistral's pages have none: the same object has one price with annotations, and another without.
"""


def read_usage(
    usage_format: UsageFormat, usage: Mapping[str, Any], provider: str, model: str
) -> Reading:
    """Return what a usage object of a call to a model says.

    Raise UsageOutOfRange, with every problem and its path (`usage.x`), for a count that is no whole
    number from 0 to 1e12.
    """
    findings, counts = Findings(), Counts()
    cursor = Cursor(usage, "usage", findings)
    found = _format_of(usage, provider) if usage_format == "auto" else usage_format
    if found is None:
        cursor.unread("(object)", f"Is none of {', '.join(get_args(UsageFormat)[1:])}.")
    else:
        _reader_of(found, usage, seller_of(provider.lower()), model.lower())(cursor, counts)
    cursor.finish()
    if not findings.malformed and not findings.unread:
        return Reading(counts.tokens(), counts.units(), counts.variant, (), counts.requests)
    if findings.malformed:
        raise UsageOutOfRange(findings.malformed)
    return Reading(Tokens(), {}, None, tuple(findings.unread))


def _reader_of(found: UsageFormat, usage: Mapping[str, Any], provider: str, model: str) -> Reader:
    reader = READERS.get(found)
    if reader is None:
        if usage.get("num_model_requests") is not None:
            return read_organization
        reader = dialect_of(provider, model)
    if not isinstance(reader, Dialect):
        return reader
    if reader is XAI and usage.get("billable_audio_seconds") is not None:
        return read_voice
    return partial(read_openai, dialect=adapted(reader, model))


def _format_of(usage: Mapping[str, Any], provider: str) -> UsageFormat | None:
    stated = {name for name, value in usage.items() if value is not None}
    for names, found in SHAPES:
        if names & stated:
            is_message = found == "openai" and stated.isdisjoint({"prompt_tokens", "seconds"})
            return (
                "anthropic" if is_message and seller_of(provider.lower()) == "anthropic" else found
            )
    return None
