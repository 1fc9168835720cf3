"""Vendors with forms of their own."""

from allowance.usage.reading.cursor import Cursor
from allowance.usage.reading.sides import Counts


def read_cohere(cursor: Cursor, counts: Counts) -> None:
    """Read Cohere's `usage` or `meta`: what is billed, and not what was used.

    https://docs.cohere.com/reference/chat, "usage.billed_units"
    """
    billed = cursor.inner("billed_units")
    if not billed.has("input_tokens", "output_tokens", "search_units", "images"):
        cursor.unread("billed_units", "Missing.")
    counts.input, counts.output = billed.count("input_tokens"), billed.count("output_tokens")
    counts.add("rerank_searches", billed.count("search_units"))
    # What was used and not billed: a preamble, or what a cache had.
    cursor.inner("tokens").nothing("input_tokens", "output_tokens")
    cursor.nothing("cached_tokens")


def read_total(cursor: Cursor, counts: Counts) -> None:
    """Read embeddings and rerankers that count one total, as those of Voyage and Jina do.

    https://docs.voyageai.com/reference/embeddings-api
    """
    total = cursor.count("total_tokens", required=True)
    cursor.total("prompt_tokens", total)
    cursor.total("text_tokens", total)
    counts.input = total
    counts.add("pixels", cursor.count("image_pixels"))


def read_ocr(cursor: Cursor, counts: Counts) -> None:
    """Read Mistral's `usage_info` of a document.

    https://docs.mistral.ai/api/#tag/ocr
    """
    counts.add("pages", cursor.count("pages_processed", required=True))
    cursor.nothing("doc_size_bytes")


def read_cursor_event(cursor: Cursor, counts: Counts) -> None:
    """Read `tokenUsage` of a usage event of Cursor's admin API: four disjoint classes.

    https://cursor.com/docs/account/teams/admin-api
    """
    counts.input = cursor.count("inputTokens", required=True)
    counts.output = cursor.count("outputTokens")
    counts.cache_read = cursor.count("cacheReadTokens")
    counts.cache_write = cursor.count("cacheWriteTokens")
    # What Cursor charged, in cents: a record states it by its own field.
    cursor.nothing("totalCents")
