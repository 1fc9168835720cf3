"""Vendors' usage objects, made by the rules of `genai_prices`: one document for each flavour of its
extractors, with the total that the vendor's rule says.
"""

import re
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, NamedTuple, cast

from genai_prices import Usage
from genai_prices.data import providers
from genai_prices.types import ArrayMatch, ClauseEquals, Provider, UsageExtractor

from allowance.prices.cost import Tokens
from allowance.usage.reading.formats import UsageFormat, read_usage


class Match(NamedTuple):
    """The item of a list whose field has this value."""

    field: str
    value: str


type Path = tuple[str | Match, ...]

FORMATS: Mapping[str, UsageFormat] = {
    # The same object has another price with annotations.
    "mistral/ocr": "mistral_ocr",
    "mistral/ocr_annotated": "mistral_ocr_annotated",
}
"""Flavours that `auto` cannot tell apart."""

MODELS = {"google": "gemini-2.5-flash", "perplexity": "sonar-deep-research"}
"""A model whose rules are its provider's."""

NO_TOTAL = ("cohere", "cursor", "mistral/ocr", "openai/live")
"""Vendors that state no total. Neither do those with Anthropic's names."""

INPUT_PARTS = {"cache_read_tokens", "cache_write_tokens", "input_audio_tokens"}
OUTPUT_PARTS = {"output_reasoning_tokens", "output_audio_tokens"}
KIND = "(text|audio|image|video)"
SIDES = {
    "cache": f"cache_{KIND}_read_tokens",
    "input": f"input_{KIND}_tokens",
    "tools": f"input_{KIND}_tool_tokens",
    "output": f"output_{KIND}_tokens",
}
"""Cached kinds come first: they are inside those of the input."""
WHOLES = {
    ("input_tokens",): "input",
    ("cache_read_tokens",): "cache",
    ("input_tokens", "input_tool_tokens"): "tools",
    ("output_tokens",): "output",
}
LIFETIMES = ("cache_write_5m_tokens", "cache_write_1h_tokens")


class Made(NamedTuple):
    """A usage object, and what the package reads in it."""

    name: str
    usage_format: UsageFormat
    provider: str
    model: str
    usage: dict[str, Any]
    total: tuple[str, int] | None
    oracle: Usage


class Flavour(NamedTuple):
    """One of the ways in which a provider's responses count."""

    name: str
    provider: Provider
    extractor: UsageExtractor
    without: frozenset[str] = frozenset()
    """Counts that are 0 in each object."""

    @property
    def paths(self) -> dict[Path, set[str]]:
        """What each path counts."""
        found: dict[Path, set[str]] = {}
        for each in self.extractor.mappings:
            steps = [each.path] if isinstance(each.path, str) else each.path
            found.setdefault(tuple(_step(step) for step in steps), set()).add(each.dest)
        return found

    def make(self, random: Random) -> Made:
        """A random object of this flavour."""
        fields: dict[str, Any] = {}
        by_kind = any("text" in dest for dests in self.paths.values() for dest in dests)
        paths = {
            path: dests
            for path, dests in self.paths.items()
            if not dests & self.without or (by_kind and tuple(sorted(dests)) in WHOLES)
        }
        for path in self.paths.keys() - paths.keys():
            _put(fields, path, 0)
        if by_kind:
            _by_kind(random, paths, fields)
        else:
            _by_class(random, paths, fields)
        root = self.extractor.root
        steps = [root] if isinstance(root, str) else [str(each) for each in root]
        document: Any = fields
        for step in reversed(steps):
            document = {step: document}
        oracle = self.extractor.extract(document)[1]
        total = self._total(fields, oracle)
        # The flavour whose total alone has the thoughts always states it.
        if total is not None and (self.name == "google/chat" or random.random() < 0.7):
            fields[total[0]] = total[1]
        else:
            total = None
        usage = {"billed_units": fields} if steps[-1] == "billed_units" else fields
        return Made(
            self.name,
            FORMATS.get(self.name, "auto"),
            self.provider.id,
            MODELS.get(self.provider.id, "a-model"),
            usage,
            total,
            oracle,
        )

    def _total(self, fields: Mapping[str, Any], oracle: Usage) -> tuple[str, int] | None:
        apart = self.paths.get(("cache_read_input_tokens",), set())
        if self.name.startswith(NO_TOTAL) or "input_tokens" in apart:
            return None
        counts = int(oracle.input_tokens or 0) + int(oracle.output_tokens or 0)
        if self.name == "perplexity/default":
            # Reasoning and citations stand beside the total.
            counts -= fields.get("reasoning_tokens", 0) + fields.get("citation_tokens", 0)
        name = {"inputTokens": "totalTokens", "promptTokenCount": "totalTokenCount"}
        return next((name[each] for each in name if each in fields), "total_tokens"), counts


FLAVOURS = tuple(
    Flavour(f"{provider.id}/{extractor.api_flavor}", provider, extractor)
    for provider in providers
    for extractor in provider.extractors or ()
)


def _step(step: str | ArrayMatch) -> str | Match:
    if isinstance(step, str):
        return step
    assert isinstance(step.match, ClauseEquals)
    return Match(step.field, str(step.match.equals))


def _count(random: Random) -> int:
    return random.choice((0, 1, random.randint(2, 9), random.randint(10, 300_000)))


def _put(fields: dict[str, Any], path: Sequence[str | Match], value: Any) -> None:
    """Set the value at a path, with the objects and list items that lead there."""
    name, *rest = path
    if not rest:
        fields[cast("str", name)] = value
    elif isinstance(rest[0], Match):
        item = {rest[0].field: rest[0].value, cast("str", rest[1]): value}
        fields.setdefault(cast("str", name), []).append(item)
    else:
        _put(fields.setdefault(cast("str", name), {}), rest, value)


def _by_class(random: Random, paths: Mapping[Path, set[str]], fields: dict[str, Any]) -> None:
    """Counts by class. Parts are in the one field that counts nothing but the whole."""
    written, inside = 0, {"input_tokens": 0, "output_tokens": 0}
    audio = random.random() < 0.3
    for path, dests in paths.items():
        if dests <= {"input_tokens"} or dests <= {"output_tokens"} or dests <= {*LIFETIMES}:
            continue
        count = _count(random)
        if "audio_seconds" in dests:
            _put(fields, path, random.randint(0, 10**7) / 1000)
            continue
        if dests <= INPUT_PARTS:
            # Cached audio that is not told apart has no known price: see the exclusions.
            count = count if audio == ("input_audio_tokens" in dests) else 0
            inside["input_tokens"] += count
        elif dests <= OUTPUT_PARTS:
            inside["output_tokens"] += count
        if "cache_write_tokens" in dests:
            written += count
        _put(fields, path, count)
    hour = random.randint(0, written)
    for path, dests in paths.items():
        if dests <= inside.keys():
            (dest,) = dests
            _put(fields, path, inside[dest] + _count(random))
        elif dests <= {*LIFETIMES} and written:
            _put(fields, path, written - hour if dests == {LIFETIMES[0]} else hour)


def _by_kind(random: Random, paths: Mapping[Path, set[str]], fields: dict[str, Any]) -> None:
    """Counts by kind of content: each whole is the sum of its kinds."""
    sums = dict.fromkeys(SIDES, 0)
    cached = dict[str, int]()
    for side, sign in SIDES.items():
        for path, dests in paths.items():
            if not any(re.fullmatch(sign, dest) for dest in dests):
                continue
            label, count = _label(path), _count(random)
            if side == "cache":
                cached[label] = count
            elif side == "input":
                # Without a list of what is cached, nothing is: see the exclusions.
                count += cached.get(label, 0)
                if "tool" in str(sorted(dests)):
                    continue
            _put(fields, path, count)
            sums[side] += count
    for path, dests in paths.items():
        for whole, side in WHOLES.items():
            if dests == set(whole):
                _put(fields, path, sums[side])
        if "output_reasoning_tokens" in dests or dests == {"input_text_messages"}:
            _put(fields, path, _count(random))
        elif dests == {"audio_seconds"}:
            _put(fields, path, random.randint(0, 10**7) / 1000)


def _label(path: Path) -> str:
    """The kind of content that a path counts, in the vendor's word."""
    return next((step.value for step in path if isinstance(step, Match)), str(path[-1]))


def unread_in(
    usage_format: UsageFormat, usage: dict[str, Any], provider: str, model: str = "a-model"
) -> list[str]:
    """The fields that stay unread. Nothing is counted then."""
    found = read_usage(usage_format, usage, provider, model)
    if found.unread:
        assert found[:3] == (Tokens(), {}, None)
    return [problem.field for problem in found.unread]
