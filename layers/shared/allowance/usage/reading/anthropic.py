"""Anthropic's Messages: `input_tokens` excludes tokens read from or written to the cache.

https://docs.anthropic.com/en/api/messages, "usage"
"""

from allowance.usage.reading.cursor import Cursor
from allowance.usage.reading.marks import (
    ANTHROPIC_PLACES,
    ANTHROPIC_SPEEDS,
    ANTHROPIC_TIERS,
    variant_of,
)
from allowance.usage.reading.sides import Counts

TOKENS = (
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
)
KEPT = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")

MARKS = {
    "service_tier": ANTHROPIC_TIERS,
    "speed": ANTHROPIC_SPEEDS,
    "inference_geo": ANTHROPIC_PLACES,
}


def read_anthropic(cursor: Cursor, counts: Counts) -> None:
    """Read the usage of a message, or of a batch's result."""
    counts.variant = variant_of(cursor, MARKS)
    fresh, output = cursor.count("input_tokens", required=True), cursor.count("output_tokens")
    read = cursor.count("cache_read_input_tokens")
    by_time = cursor.inner("cache_creation")
    minutes, hour = (by_time.count(each) for each in KEPT)
    is_stated = cursor.has("cache_creation_input_tokens")
    written = cursor.count("cache_creation_input_tokens")
    if not is_stated:
        written = minutes + hour
    elif minutes + hour not in {0, written}:
        cursor.unread("cache_creation", f"Must add up to {written} written tokens.")
    counts.input, counts.output, counts.cache_read = fresh, output, read
    counts.cache_write, counts.cache_write_1h = max(written - hour, 0), hour
    cursor.inner("output_tokens_details").part("thinking_tokens", output, "output_tokens")
    tools = cursor.inner("server_tool_use")
    counts.add("web_searches", tools.count("web_search_requests"))
    # Fetching a page costs only its tokens.
    tools.nothing("web_fetch_requests")
    _iterations(cursor, (fresh, output, read, written), (minutes, hour))


def _iterations(
    cursor: Cursor, totals: tuple[int, int, int, int], by_time: tuple[int, int]
) -> None:
    """Check that the iterations of a request add up to its totals.

    Those of a compaction or another model are in no total, so they stay unread.
    """
    iterations = cursor.each("iterations")
    tokens, kept = [0] * len(TOKENS), [0] * len(KEPT)
    for each in iterations:
        each.mark("type", {"message": None}, None)
        creation = each.inner("cache_creation")
        for place, name in enumerate(KEPT):
            kept[place] += creation.count(name)
        for place, name in enumerate(TOKENS):
            tokens[place] += each.count(name)
    if iterations and tuple(tokens) != totals:
        cursor.unread("iterations", "Must add up to the tokens of the request.")
    if any(kept) and tuple(kept) != by_time:
        cursor.unread("iterations", "Must add up to cache_creation of the request.")
