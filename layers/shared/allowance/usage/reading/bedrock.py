"""Amazon Bedrock: Converse, and the native form of Nova. Input excludes cached tokens.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html
https://docs.aws.amazon.com/nova/latest/userguide/complete-request-schema.html
"""

from allowance.usage.reading.cursor import Cursor
from allowance.usage.reading.marks import BEDROCK_TIERS
from allowance.usage.reading.sides import Counts


def read_converse(cursor: Cursor, counts: Counts) -> None:
    """Read the usage of Converse or ConverseStream, or of Nova through InvokeModel."""
    fresh, output = cursor.count("inputTokens", required=True), cursor.count("outputTokens")
    read = cursor.count("cacheReadInputTokens", "cacheReadInputTokenCount")
    written = cursor.count("cacheWriteInputTokens", "cacheWriteInputTokenCount")
    # Some SDKs give the same counts under both names.
    for name, count in (("cacheReadInputTokenCount", read), ("cacheWriteInputTokenCount", written)):
        cursor.total(name, count)
    hour = stated = 0
    for each in cursor.each("cacheDetails"):
        ttl = each.mark("ttl", {"5m": "5m", "1h": "1h"}, "5m")
        count = each.count("inputTokens")
        stated += count
        hour += count if ttl == "1h" else 0
    if stated not in {0, written}:
        cursor.unread("cacheDetails", f"Adds up to {stated} instead of {written}.")
    cursor.total("totalTokens", fresh + output + read + written)
    counts.input, counts.output, counts.cache_read = fresh, output, read
    counts.cache_write, counts.cache_write_1h = max(written - hour, 0), hour
    counts.variant = cursor.mark("serviceTier", BEDROCK_TIERS, None)
