"""OpenAI's objects: chat completions, Responses, images, embeddings, realtime, transcriptions; and
those of vendors with OpenAI's names, whose differences a Dialect states.

https://platform.openai.com/docs/api-reference/chat/object, "usage"
https://platform.openai.com/docs/api-reference/responses/object, "usage"
https://platform.openai.com/docs/api-reference/realtime-server-events/response/done, "usage"
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from allowance.prices.units import OtherUnit
from allowance.usage.reading.cursor import Cursor, agreed
from allowance.usage.reading.marks import OPENAI_TIERS
from allowance.usage.reading.sides import Counts, Modality, add_input, add_output

MODALITIES: Mapping[str, Modality] = {
    "audio_tokens": "audio",
    "image_tokens": "image",
    "video_tokens": "video",
}


CACHED, WRITTEN = "cache_read_input_tokens", "cache_creation_input_tokens"
"""Anthropic's names, by which LiteLLM repeats what the details say."""


@dataclass(frozen=True)
class Dialect:
    """How a vendor differs from OpenAI.

    `reasoning_beside`: reasoning stands beside the completion, not inside. `reasoning_in_total`:
    only the total has it. `cached` and `written` are fields at the top that may state these counts
    alone; elsewhere they may only repeat the details. `hit_and_miss` are two that add up to the
    prompt. `images_as_text`: image tokens cost what text does, so they are not told apart. `units`
    are counted beside tokens, at the top or inside the object that a key names. `nothing` costs
    nothing, at the top (under the empty name) or inside an object.
    """

    reasoning_beside: bool = False
    reasoning_in_total: bool = False
    cached: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    hit_and_miss: tuple[str, str] | None = None
    images_as_text: bool = False
    units: Mapping[str, Mapping[str, OtherUnit]] = field(
        default_factory=dict[str, Mapping[str, OtherUnit]]
    )
    nothing: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    apart: Mapping[str, OtherUnit] = field(default_factory=dict[str, OtherUnit])
    """Tokens of output beside the completion and outside the total, each with a unit of its own."""
    marks: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """Words that change no price."""


OPENAI = Dialect()


def read_openai(cursor: Cursor, counts: Counts, dialect: Dialect = OPENAI) -> None:
    """Read any of OpenAI's forms, by the names that are there."""
    _units(cursor, counts, dialect)
    counts.variant = cursor.mark("service_tier", OPENAI_TIERS, None)
    for name, words in dialect.marks.items():
        cursor.mark(name, dict.fromkeys(words), None)
    kind = cursor.mark("type", {"tokens": "tokens", "duration": "duration"}, "tokens")
    if kind == "duration" or (cursor.has("seconds") and not cursor.has("input_tokens")):
        counts.add("audio_seconds", cursor.seconds("seconds"))
        return
    if cursor.has("prompt_tokens") or not cursor.has("input_tokens"):
        _read(cursor, counts, dialect, ("prompt_tokens", "completion_tokens"))
    else:
        _read(cursor, counts, dialect, ("input_tokens", "output_tokens"))


def _units(cursor: Cursor, counts: Counts, dialect: Dialect) -> None:
    for place in dialect.units.keys() | dialect.nothing.keys():
        inner = cursor.inner(place) if place else cursor
        for name, unit in dialect.units.get(place, {}).items():
            counts.add(unit, inner.count(name))
        inner.nothing(*dialect.nothing.get(place, ()))


def _read(cursor: Cursor, counts: Counts, dialect: Dialect, names: tuple[str, str]) -> None:
    name_in, name_out = names
    total_in, output = cursor.count(name_in, required=True), cursor.count(name_out)
    reasoning = _output(cursor, counts, dialect, name_out, output)
    _input(cursor, counts, dialect, name_in, total_in)
    beside = reasoning if dialect.reasoning_beside and name_out == "completion_tokens" else 0
    for name, unit in dialect.apart.items():
        counts.add(unit, cursor.count(name))
    if dialect.reasoning_in_total and cursor.has("total_tokens"):
        total = cursor.count("total_tokens")
        beside = max(total - total_in - output, 0)
        if total < total_in + output or reasoning not in {0, beside}:
            cursor.unread("total_tokens", f"Is {total}, not {total_in + output} and thoughts.")
    else:
        cursor.total("total_tokens", total_in + output + beside)
    counts.output += beside


def _input(cursor: Cursor, counts: Counts, dialect: Dialect, name: str, total: int) -> None:
    details = _details(cursor, name)
    by_kind = details.inner("cached_tokens_details")
    says_which = by_kind.has("text_tokens", *MODALITIES)
    cached = agreed((details, "cached_tokens"), *((cursor, each) for each in dialect.cached))
    cursor.repeats(CACHED, cached)
    in_details = [(details, name) for name in ("cache_write_tokens", "cache_creation_tokens")]
    written = agreed(*in_details, *((cursor, each) for each in dialect.written))
    cursor.repeats(WRITTEN, written)
    written_1h = 0
    for place in ("cache_creation_token_details", "cache_creation_tokens_details"):
        by_time = details.inner(place)
        minutes = by_time.count("ephemeral_5m_input_tokens")
        hours = by_time.count("ephemeral_1h_input_tokens")
        if minutes + hours not in {0, written}:
            details.unread(place, f"Must add up to the written tokens, {written}.")
        written_1h = max(written_1h, hours if minutes + hours else 0)
    if dialect.hit_and_miss is not None and cursor.has(*dialect.hit_and_miss):
        hit, miss = (cursor.count(each) for each in dialect.hit_and_miss)
        if hit + miss != total or cached not in {0, hit}:
            cursor.unread(dialect.hit_and_miss[0], f"Hits and misses must add up to {name}.")
        cached = hit
    parts = {kind: details.count(each) for each, kind in MODALITIES.items()}
    if dialect.images_as_text:
        parts["image"] = 0
    text = details.count("text_tokens")
    others = sum(parts.values())
    if text and text not in {total - others, total - others - cached - written}:
        details.unread("text_tokens", f"Must be what the other parts leave of {name}.")
    cached_parts = (
        {kind: by_kind.count(each) for each, kind in MODALITIES.items()} if says_which else None
    )
    if says_which:
        by_kind.total("text_tokens", cached - sum((cached_parts or {}).values()))
    add_input(
        counts,
        (cursor, name),
        total,
        cached=cached,
        written=written,
        written_1h=written_1h,
        parts=parts,
        cached_parts=cached_parts,
    )


def _details(cursor: Cursor, name: str) -> Cursor:
    """Take the details of a count. Realtime and transcriptions write the word in the singular."""
    plural, singular = f"{name}_details", f"{name.removesuffix('s')}_details"
    return cursor.inner(plural if cursor.has(plural) else singular)


def _output(cursor: Cursor, counts: Counts, dialect: Dialect, name: str, output: int) -> int:
    """Add the output. Return its reasoning."""
    details = _details(cursor, name)
    parts = {kind: details.count(each) for each, kind in MODALITIES.items()}
    places = [details] if "reasoning_tokens" in dialect.apart else [details, cursor]
    reasoning = agreed(*((place, "reasoning_tokens") for place in places))
    beside = (dialect.reasoning_beside and name == "completion_tokens") or (
        dialect.reasoning_in_total
    )
    if reasoning > output and not beside:
        details.unread("reasoning_tokens", f"Must not be above {name}, which includes it.")
    for each in ("accepted_prediction_tokens", "rejected_prediction_tokens"):
        details.part(each, output, name)
    text = details.count("text_tokens")
    others = sum(parts.values())
    if text and text not in {output - others, output - others - reasoning}:
        details.unread("text_tokens", f"Must be what the other parts leave of {name}.")
    add_output(counts, (cursor, name), output, parts)
    return reasoning
