"""The closed registry of what models are sold in: classes of tokens, and other units. Pure data.

Classes are disjoint: a cached audio token is in `cache_read_audio` and in no other class. Every
quantity is a whole number, of seconds whole milliseconds. Every price is for one million of a unit.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

TokenClass = Literal["input", "output", "cache_read", "cache_write", "cache_write_1h"]
"""The classes of text, which have columns of their own. `output` includes reasoning, and `input`
includes whatever has no class of its own.
"""

OtherUnit = Literal[
    "input_audio",
    "input_image",
    "input_video",
    "cache_read_audio",
    "cache_read_image",
    "cache_read_video",
    "output_audio",
    "output_image",
    "output_video",
    "output_reasoning",
    "output_citation",
    "web_searches",
    "file_searches",
    "social_searches",
    "rerank_searches",
    "code_executions",
    "requests",
    "input_characters",
    "input_messages",
    "audio_milliseconds",
    "input_audio_milliseconds",
    "output_audio_milliseconds",
    "pages",
    "annotated_pages",
    "pixels",
]

type OtherUnits = Mapping[OtherUnit, int]
"""How many of each unit a usage has. Absent is none."""

NO_OTHERS: OtherUnits = MappingProxyType({})


class Unit(NamedTuple):
    """A unit that is not one of the classes of text.

    `falls_back_to` names the class whose price applies to a model that has none of its own for this
    one: those tokens are sold as that class. `fresh` names the uncached tokens of the same kind,
    whose own price comes first: no vendor charges more for cached ones. `tokens_of`: it counts
    tokens of the input, on whose size context tiers depend, or of the output.
    """

    falls_back_to: Literal["input", "output", "cache_read"] | None = None
    fresh: OtherUnit | None = None
    tokens_of: Literal["input", "output"] | None = None


OTHER_UNITS: Mapping[OtherUnit, Unit] = {
    "input_audio": Unit(tokens_of="input"),
    "input_image": Unit("input", tokens_of="input"),
    "input_video": Unit("input", tokens_of="input"),
    "cache_read_audio": Unit(fresh="input_audio", tokens_of="input"),
    "cache_read_image": Unit("cache_read", "input_image", tokens_of="input"),
    "cache_read_video": Unit("cache_read", "input_video", tokens_of="input"),
    "output_audio": Unit(tokens_of="output"),
    "output_image": Unit(tokens_of="output"),
    "output_video": Unit(tokens_of="output"),
    "output_reasoning": Unit("output", tokens_of="output"),
    "output_citation": Unit("output", tokens_of="output"),
    "web_searches": Unit(),
    "file_searches": Unit(),
    "social_searches": Unit(),
    "rerank_searches": Unit(),
    "code_executions": Unit(),
    "requests": Unit(),
    "input_characters": Unit(),
    "input_messages": Unit(),
    "audio_milliseconds": Unit(),
    "input_audio_milliseconds": Unit(),
    "output_audio_milliseconds": Unit(),
    "pages": Unit(),
    "annotated_pages": Unit(),
    "pixels": Unit(),
}

COUNTED_IN_TOKENS: frozenset[OtherUnit] = frozenset(
    unit for unit, each in OTHER_UNITS.items() if each.tokens_of is not None
)
"""The other units that are classes of tokens, which a record has in `tokens`."""

TOOLS: frozenset[OtherUnit] = frozenset(
    {"web_searches", "file_searches", "social_searches", "code_executions"}
)
"""Units of tools, which each platform prices itself: on Azure, it is Bing that searches the web."""
