"""Anthropic's Messages: `input_tokens` excludes tokens read from or written to the cache.

https://docs.anthropic.com/en/api/messages, "usage"
"""

from allowance.usage.reading.cursor import Cursor
from allowance.usage.reading.marks import (
    ANTHROPIC_PLACES,
    ANTHROPIC_SPEEDS,
    ANTHROPIC_TIERS,
)
from allowance.usage.reading.sides import Counts

TOKENS = (
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
)


def read_anthropic(cursor: Cursor, counts: Counts) -> None:
    """Read the usage of a message, or of a batch's result."""
    fresh, output = cursor.count("input_tokens", required=True), cursor.count("output_tokens")
    read = cursor.count("cache_read_input_tokens")
    by_time = cursor.inner("cache_creation")
    minutes = by_time.count("ephemeral_5m_input_tokens")
    hour = by_time.count("ephemeral_1h_input_tokens")
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
    _iterations(cursor, (fresh, output, read, written))
    tier = cursor.mark("service_tier", ANTHROPIC_TIERS, None)
    speed = cursor.mark("speed", ANTHROPIC_SPEEDS, None)
    cursor.mark("inference_geo", ANTHROPIC_PLACES, None)
    if tier is not None and speed is not None:
        cursor.unread("speed", "No price is known for two kinds of processing at once.")
    counts.variant = tier or speed


def _iterations(cursor: Cursor, totals: tuple[int, int, int, int]) -> None:
    """Check that the iterations of a request add up to its totals: a compaction's tokens are in the
    iterations alone.
    """
    iterations = cursor.each("iterations")
    sums = [0, 0, 0, 0]
    for each in iterations:
        each.mark("type", {"message": None}, None)
        each.inner("cache_creation").nothing(
            "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"
        )
        for place, name in enumerate(TOKENS):
            sums[place] += each.count(name)
    if iterations and tuple(sums) != totals:
        cursor.unread("iterations", "Must add up to the tokens of the request.")
