"""Vendors with forms of their own."""

from allowance.usage.reading.cursor import Cursor
from allowance.usage.reading.marks import OPENAI_TIERS
from allowance.usage.reading.sides import Counts

PIXELS_PER_TOKEN = 560
"""Voyage counts one token of its total for each 560 pixels of an image."""


def read_cohere(cursor: Cursor, counts: Counts) -> None:
    """Read Cohere's `usage` or `meta`: what is billed, or all tokens where nothing says so.

    https://docs.cohere.com/reference/chat, "usage.billed_units"
    """
    billed, tokens = cursor.inner("billed_units"), cursor.inner("tokens")
    cursor.inner("api_version").nothing("version", "is_deprecated", "is_experimental")
    if billed.has("input_tokens", "output_tokens", "search_units"):
        counts.input, counts.output = billed.count("input_tokens"), billed.count("output_tokens")
        counts.add("rerank_searches", billed.count("search_units"))
        # What was used and is not billed: a preamble, or what a cache had.
        tokens.nothing("input_tokens", "output_tokens")
        cursor.nothing("cached_tokens")
        return
    total = tokens.count("input_tokens", required=True)
    counts.output = tokens.count("output_tokens")
    counts.cache_read = cursor.part("cached_tokens", total, "tokens.input_tokens")
    counts.input = total - counts.cache_read


def read_total(cursor: Cursor, counts: Counts) -> None:
    """Read embeddings and rerankers that count one total, as those of Voyage and Jina do.

    The total includes images, which are billed by pixel.
    https://docs.voyageai.com/reference/multimodal-embeddings-api
    """
    total = cursor.count("total_tokens", required=True)
    pixels = cursor.count("image_pixels")
    counts.add("pixels", pixels)
    if pixels:
        text = cursor.count("text_tokens", required=True)
        if total - text not in {pixels // PIXELS_PER_TOKEN, -(-pixels // PIXELS_PER_TOKEN)}:
            cursor.unread("total_tokens", "Must be the text and a token for 560 pixels.")
        counts.input = text
        return
    cursor.total("prompt_tokens", total)
    cursor.total("text_tokens", total)
    counts.input = total


def read_ocr(cursor: Cursor, counts: Counts) -> None:
    """Read Mistral's `usage_info` of a document without annotations.

    https://docs.mistral.ai/api/endpoint/ocr
    """
    counts.add("pages", cursor.count("pages_processed", required=True))
    cursor.nothing("doc_size_bytes")


def read_annotated_ocr(cursor: Cursor, counts: Counts) -> None:
    """Read Mistral's `usage_info` of a document with annotations, which have their own price."""
    counts.add("annotated_pages", cursor.count("pages_processed", required=True))
    cursor.nothing("doc_size_bytes")


def read_cursor_event(cursor: Cursor, counts: Counts) -> None:
    """Read `tokenUsage` of a usage event of Cursor's admin API: four disjoint classes.

    https://cursor.com/docs/account/teams/admin-api
    """
    counts.input = cursor.count("inputTokens", required=True)
    counts.output = cursor.count("outputTokens")
    counts.cache_read = cursor.count("cacheReadTokens")
    counts.cache_write = cursor.count("cacheWriteTokens")
    # What Cursor charged, in cents.
    cursor.nothing("totalCents")


def read_organization(cursor: Cursor, counts: Counts) -> None:
    """Read a result of OpenAI's usage of an organization. Its input includes cached tokens.

    It is of any number of requests. Audio stays unread: it does not say how much was cached.
    https://platform.openai.com/docs/api-reference/usage/completions_object
    """
    cursor.mark("object", {"organization.usage.completions.result": None}, None)
    cursor.nothing("project_id", "user_id", "api_key_id", "model", "start_time", "end_time")
    counts.requests = cursor.count("num_model_requests") or 1
    total, counts.output = (
        cursor.count("input_tokens", required=True),
        cursor.count("output_tokens"),
    )
    counts.cache_read = cursor.part("input_cached_tokens", total, "input_tokens")
    counts.input = total - counts.cache_read
    for name, count in (
        ("input_uncached_tokens", counts.input),
        ("input_text_tokens", total),
        ("output_text_tokens", counts.output),
        ("input_cached_text_tokens", counts.cache_read),
    ):
        cursor.total(name, count)
    counts.variant = cursor.mark("service_tier", OPENAI_TIERS, None)
    if cursor.flag("batch"):
        if counts.variant is not None:
            cursor.unread("batch", "No price is known for two kinds of processing at once.")
        counts.variant = "batch"


def read_voice(cursor: Cursor, counts: Counts) -> None:
    """Read a conversation with xAI's voice models: billed by second and by text message, not by
    token.

    https://docs.x.ai/docs/guides/voice
    """
    time = cursor.milliseconds("billable_audio_seconds")
    messages = cursor.count("input_text_messages")
    counts.add("audio_milliseconds", time)
    counts.add("input_messages", messages)
    tokens = 0
    for side in ("input", "output"):
        tokens += cursor.count(f"{side}_tokens")
        cursor.inner(f"{side}_token_details").nothing(
            "text_tokens", "audio_tokens", "cached_tokens", "image_tokens"
        )
    cursor.total("total_tokens", tokens)
    if tokens and not time and not messages:
        # A model that is sold by the token would be free.
        cursor.unread("billable_audio_seconds", "Must not be 0 beside tokens.")
