"""Amazon Bedrock: Converse, and Nova's own forms. Input excludes cached tokens.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html
https://docs.aws.amazon.com/nova/latest/userguide/complete-request-schema.html
https://docs.aws.amazon.com/nova/latest/userguide/speech-to-speech.html, "usageEvent"
"""

from typing import Literal

from allowance.usage.reading.cursor import Cursor
from allowance.usage.reading.marks import BEDROCK_TIERS
from allowance.usage.reading.sides import Counts

LIFETIMES: dict[str, Literal["5m", "1h"]] = {
    "5m": "5m",
    # Models whose cache entries live this long have one price for a write.
    "30m": "5m",
    "1h": "1h",
}


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
        ttl = each.mark("ttl", LIFETIMES, "5m")
        count = each.count("inputTokens")
        stated += count
        hour += count if ttl == "1h" else 0
    if stated not in {0, written}:
        cursor.unread("cacheDetails", f"Adds up to {stated} instead of {written}.")
    cursor.total("totalTokens", fresh + output + read + written)
    counts.input, counts.output, counts.cache_read = fresh, output, read
    counts.cache_write, counts.cache_write_1h = max(written - hour, 0), hour
    counts.variant = cursor.mark("serviceTier", BEDROCK_TIERS, None)


def read_nova(cursor: Cursor, counts: Counts) -> None:
    """Read Nova's usage of InvokeModel, or the `usageEvent` of a conversation with Nova Sonic."""
    if not cursor.has("totalInputTokens", "totalOutputTokens"):
        read_converse(cursor, counts)
        return
    details = cursor.inner("details")
    total, delta = details.inner("total"), details.inner("delta")
    spoken, heard = total.inner("output"), total.inner("input")
    text_in, speech_in = heard.count("textTokens"), heard.count("speechTokens")
    text_out, speech_out = spoken.count("textTokens"), spoken.count("speechTokens")
    cursor.total("totalInputTokens", text_in + speech_in)
    cursor.total("totalOutputTokens", text_out + speech_out)
    cursor.total("totalTokens", text_in + speech_in + text_out + speech_out)
    # What was added since the last event is in the total already.
    for side in ("input", "output"):
        delta.inner(side).nothing("textTokens", "speechTokens")
    cursor.nothing("completionId", "promptName", "sessionId")
    counts.input, counts.output = text_in, text_out
    counts.add("input_audio", speech_in)
    counts.add("output_audio", speech_out)
