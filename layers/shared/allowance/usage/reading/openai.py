"""OpenAI's objects: chat completions, Responses, images, embeddings, realtime, transcriptions; and
the objects of vendors with OpenAI's names, whose differences a Dialect states.

https://platform.openai.com/docs/api-reference/chat/object, "usage"
https://platform.openai.com/docs/api-reference/responses/object, "usage"
https://platform.openai.com/docs/api-reference/realtime-server-events/response/done, "usage"
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from allowance.prices.units import OtherUnit
from allowance.usage.reading.cursor import Cursor, agreed
from allowance.usage.reading.marks import OPENAI_TIERS, Marks, variant_of
from allowance.usage.reading.sides import Counts, Modality, add_input, add_output

MODALITIES: Mapping[str, Modality] = {
    "audio_tokens": "audio",
    "image_tokens": "image",
    "video_tokens": "video",
}

CACHED, WRITTEN = "cache_read_input_tokens", "cache_creation_input_tokens"
"""Anthropic's names, by which LiteLLM repeats what the details say."""

CHAT = ("prompt_tokens", "completion_tokens")
RESPONSES = ("input_tokens", "output_tokens")


@dataclass(frozen=True)
class Dialect:
    """How a vendor differs from OpenAI. A path `a.b` means the field b of the object a."""

    reasoning: Literal["inside", "beside", "in_total"] = "inside"
    """Where chat completions count reasoning: inside the completion, beside it, or only in the
    total.
    """
    cached: tuple[str, ...] = ()
    """Paths that may state the cached tokens alone. Elsewhere they may only repeat the details."""
    written: tuple[str, ...] = ()
    """The same for tokens written to the cache."""
    details_cached: tuple[str, ...] = ("cached_tokens",)
    details_written: tuple[str, ...] = ("cache_write_tokens", "cache_creation_tokens")
    hit_and_miss: tuple[str, str] | None = None
    """Two fields at the top that add up to the prompt; the first counts cached tokens."""
    split: tuple[str, ...] = ()
    """Fields at the top that add up to the prompt, and have one price."""
    images_as_text: bool = False
    """Tokens of images cost what text does, so they are not counted apart."""
    apart: Mapping[str, OtherUnit] = field(default_factory=dict[str, OtherUnit])
    """Tokens of output beside the completion and outside the total, each with a unit of its own."""
    units: Mapping[OtherUnit, tuple[str, ...]] = field(
        default_factory=dict[OtherUnit, tuple[str, ...]]
    )
    """Paths that count a unit beside tokens. Those that are set must be equal."""
    requests: int = 0
    """Requests that have a price of their own."""
    calls: tuple[str, str] | None = None
    """A count, and the object whose numbers add up to it."""
    marks: Mapping[str, Marks] = field(default_factory=lambda: {"service_tier": OPENAI_TIERS})
    """Words that may change the price, by path."""
    nothing: tuple[str, ...] = ()
    """Paths that cost nothing."""


OPENAI = Dialect()


def read_openai(cursor: Cursor, counts: Counts, dialect: Dialect = OPENAI) -> None:
    """Read any of OpenAI's forms, by the names that are there."""
    if dialect.calls is not None:
        total, place = dialect.calls
        cursor.total(total, cursor.at(f"{place}.*")[0].sum())
    for unit, paths in dialect.units.items():
        counts.add(unit, agreed(*(cursor.at(path) for path in paths)))
    counts.add("requests", dialect.requests)
    for path in dialect.nothing:
        holder, name = cursor.at(path)
        holder.nothing(name)
    counts.variant = variant_of(cursor, dialect.marks)
    kind = cursor.mark("type", {"tokens": "tokens", "duration": "duration"}, "tokens")
    if kind == "duration" or (cursor.has("seconds") and not cursor.has("input_tokens")):
        if not cursor.has("seconds"):
            cursor.unread("seconds", "Missing.")
        counts.add("audio_milliseconds", cursor.milliseconds("seconds"))
        return
    is_chat = cursor.has("prompt_tokens") or not cursor.has("input_tokens")
    name_in, name_out = CHAT if is_chat else RESPONSES
    reasoning_at = dialect.reasoning if is_chat else "inside"
    total_in, output = cursor.count(name_in, required=True), cursor.count(name_out)
    reasoning = _output(cursor, counts, dialect, name_out, output)
    _input(cursor, counts, dialect, name_in, total_in)
    for name, unit in dialect.apart.items():
        counts.add(unit, cursor.count(name))
    if reasoning_at == "in_total":
        counts.output += _thoughts(cursor, total_in + output, output, reasoning)
        return
    if reasoning_at == "inside" and reasoning > output:
        cursor.unread(name_out, f"Must not be below its reasoning_tokens, {reasoning}.")
    beside = reasoning if reasoning_at == "beside" else 0
    cursor.total("total_tokens", total_in + output + beside)
    counts.output += beside


def _thoughts(cursor: Cursor, parts: int, output: int, reasoning: int) -> int:
    """Return the thoughts that only the total counts. A gateway may have put them into the output,
    and then states them as reasoning.
    """
    if not cursor.has("total_tokens"):
        cursor.unread("total_tokens", "Missing, and nothing else counts the thoughts.")
        return 0
    total = cursor.count("total_tokens")
    if total == parts and reasoning <= output:
        return 0
    if total < parts or (reasoning and total != parts + reasoning):
        cursor.unread("total_tokens", f"Is {total}, and the parts add up to {parts + reasoning}.")
    return max(total - parts, 0)


def _input(cursor: Cursor, counts: Counts, dialect: Dialect, name: str, total: int) -> None:
    details = _details(cursor, name)
    by_kind = details.inner("cached_tokens_details")
    says_which = by_kind.has("text_tokens", *MODALITIES)
    cached = agreed(
        *((details, each) for each in dialect.details_cached),
        *(cursor.at(path) for path in dialect.cached),
    )
    cursor.repeats(CACHED, cached)
    written = agreed(
        *((details, each) for each in dialect.details_written),
        *(cursor.at(path) for path in dialect.written),
    )
    cursor.repeats(WRITTEN, written)
    if dialect.hit_and_miss is not None and cursor.has(*dialect.hit_and_miss):
        hit, miss = (cursor.count(each) for each in dialect.hit_and_miss)
        if hit + miss != total or cached not in {0, hit}:
            cursor.unread(dialect.hit_and_miss[0], f"Hits and misses must add up to {name}.")
        cached = hit
    stated = sum(cursor.count(each) for each in dialect.split)
    if stated not in {0, total}:
        cursor.unread(dialect.split[0], f"The kinds of the prompt must add up to {name}.")
    parts = _by_kind(details)
    _text(details, name, total - sum(parts.values()), cached, written)
    if dialect.images_as_text:
        parts["image"] = 0
    cached_parts = _by_kind(by_kind)
    if says_which:
        by_kind.total("text_tokens", cached - sum(cached_parts.values()))
    add_input(
        counts,
        (cursor, name),
        total,
        cached=cached,
        written=written,
        written_1h=_written_1h(details, written),
        parts=parts,
        cached_parts=cached_parts if says_which else None,
    )


def _by_kind(details: Cursor) -> dict[Modality, int]:
    found: dict[Modality, int] = {}
    for name, kind in MODALITIES.items():
        found[kind] = details.count(name)
    return found


def _written_1h(details: Cursor, written: int) -> int:
    """Return how many of the written tokens are kept for an hour, by either name of the details."""
    found = 0
    for place in ("cache_creation_token_details", "cache_creation_tokens_details"):
        by_time = details.inner(place)
        minutes = by_time.count("ephemeral_5m_input_tokens")
        hours = by_time.count("ephemeral_1h_input_tokens")
        if minutes + hours not in {0, written}:
            details.unread(place, f"Must add up to the written tokens, {written}.")
        found = max(found, hours)
    return found


def _details(cursor: Cursor, name: str) -> Cursor:
    """Take the details of a count. Realtime and transcriptions write the word in the singular."""
    plural, singular = (cursor.inner(f"{each}_details") for each in (name, name.removesuffix("s")))
    return singular if plural.is_done() else plural


def _output(cursor: Cursor, counts: Counts, dialect: Dialect, name: str, output: int) -> int:
    """Add the output. Return its reasoning."""
    details = _details(cursor, name)
    parts = _by_kind(details)
    places = [details] if "reasoning_tokens" in dialect.apart else [details, cursor]
    reasoning = agreed(*((place, "reasoning_tokens") for place in places))
    for each in ("accepted_prediction_tokens", "rejected_prediction_tokens"):
        details.part(each, output, name)
    _text(details, name, output - sum(parts.values()), reasoning)
    add_output(counts, (cursor, name), output, parts)
    return reasoning


def _text(details: Cursor, name: str, text: int, *inside: int) -> None:
    """Take the tokens of text: with what is inside them, or what that leaves."""
    stated = details.count("text_tokens")
    if stated not in {0, text, text - sum(inside)}:
        details.unread("text_tokens", f"Must be what the other parts leave of {name}.")
