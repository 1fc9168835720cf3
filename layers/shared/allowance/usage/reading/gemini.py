"""Gemini's `usageMetadata`, with the names of REST or of the Python SDK, and its Live API.

https://ai.google.dev/api/generate-content#UsageMetadata
https://ai.google.dev/api/live#usagemetadata
"""

from collections.abc import Mapping

from allowance.usage.reading.cursor import Cursor
from allowance.usage.reading.marks import GEMINI_TIERS, GEMINI_TRAFFIC, variant_of
from allowance.usage.reading.sides import Counts, Modality, add_input, add_output

MODALITIES: Mapping[str, Modality | None] = {
    "text": None,
    "audio": "audio",
    "image": "image",
    "video": "video",
    "document": "image",
}


def _both(camel: str) -> tuple[str, str]:
    return camel, "".join(f"_{each.lower()}" if each.isupper() else each for each in camel)


MARKS = dict.fromkeys(_both("trafficType"), GEMINI_TRAFFIC) | dict.fromkeys(
    _both("serviceTier"), GEMINI_TIERS
)


def read_gemini(cursor: Cursor, counts: Counts) -> None:
    """Read the tokens of a response. Candidates exclude thoughts, and the prompt excludes tools."""
    counts.variant = variant_of(cursor, MARKS)
    if not cursor.has(*_both("promptTokenCount"), *_both("totalTokenCount")):
        cursor.unread("promptTokenCount", "Missing.")
    prompt = cursor.count(*_both("promptTokenCount"))
    cached = cursor.count(*_both("cachedContentTokenCount"))
    candidates = cursor.count(*_both("candidatesTokenCount"), *_both("responseTokenCount"))
    thoughts = cursor.count(*_both("thoughtsTokenCount"))
    tools = cursor.count(*_both("toolUsePromptTokenCount"))
    for name in _both("totalTokenCount"):
        cursor.total(name, prompt + tools + candidates + thoughts)
    parts = _parts(cursor, "promptTokensDetails", prompt)
    cached_parts = _parts(cursor, "cacheTokensDetails", cached)
    tool_parts = _parts(cursor, "toolUsePromptTokensDetails", tools)
    output_parts = _parts(cursor, "candidatesTokensDetails", candidates) or _parts(
        cursor, "responseTokensDetails", candidates
    )
    inputs = dict(parts or {})
    for kind, count in (tool_parts or {}).items():
        inputs[kind] = inputs.get(kind, 0) + count
    add_input(
        counts,
        (cursor, "promptTokenCount"),
        prompt + tools,
        cached=cached,
        parts=inputs,
        cached_parts=cached_parts,
    )
    add_output(counts, (cursor, "candidatesTokenCount"), candidates, output_parts)
    counts.output += thoughts


def _parts(cursor: Cursor, name: str, total: int) -> dict[Modality, int] | None:
    """Return the tokens by modality, text left out, or None if the list is missing.

    The list must add up to its total.
    """
    camel, snake = _both(name)
    where = camel if cursor.has(camel) else snake
    if not cursor.has(where):
        return None
    found: dict[Modality, int] = {}
    stated = 0
    for each in cursor.each(where):
        kind: Modality | None = each.mark("modality", MODALITIES, None)
        count = each.count(*_both("tokenCount"))
        stated += count
        if kind is not None and count:
            found[kind] = found.get(kind, 0) + count
    if stated != total:
        cursor.unread(where, f"Adds up to {stated} instead of {total}.")
    return found
