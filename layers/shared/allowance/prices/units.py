"""The closed registry of what models are sold in: classes of tokens, and other units. Pure data.

Classes are disjoint: a cached audio token is in `cache_read_audio` and in no other class. Names
and quantities follow the registry of genai-prices (its data_units.py).
"""

from collections.abc import Mapping
from decimal import Decimal
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
    "audio_seconds",
    "input_audio_seconds",
    "output_audio_seconds",
    "pages",
    "annotated_pages",
    "pixels",
]

type Quantity = int | Decimal
"""How many units: whole, but for seconds, which have up to three decimals."""

type OtherUnits = Mapping[OtherUnit, Quantity]

TOKENS = 1_000_000
HOUR = 3_600


class Unit(NamedTuple):
    """A class of tokens or another unit.

    Its price is for `per` of it. `falls_back_to` names the class whose price applies to a model
    that has none of its own for this one: those tokens are sold as that class. `genai` is the name
    of its price in genai-prices.
    """

    per: int
    genai: str
    falls_back_to: TokenClass | OtherUnit | None = None
    decimals: int = 0


TOKEN_UNITS: Mapping[TokenClass, Unit] = {
    "input": Unit(TOKENS, "input_mtok"),
    "output": Unit(TOKENS, "output_mtok"),
    "cache_read": Unit(TOKENS, "cache_read_mtok", "input"),
    "cache_write": Unit(TOKENS, "cache_write_mtok"),
    "cache_write_1h": Unit(TOKENS, "cache_write_1h_mtok"),
}

OTHER_UNITS: Mapping[OtherUnit, Unit] = {
    "input_audio": Unit(TOKENS, "input_audio_mtok"),
    "input_image": Unit(TOKENS, "input_image_mtok", "input"),
    "input_video": Unit(TOKENS, "input_video_mtok", "input"),
    "cache_read_audio": Unit(TOKENS, "cache_audio_read_mtok"),
    "cache_read_image": Unit(TOKENS, "cache_image_read_mtok", "cache_read"),
    "cache_read_video": Unit(TOKENS, "cache_video_read_mtok", "cache_read"),
    "output_audio": Unit(TOKENS, "output_audio_mtok"),
    "output_image": Unit(TOKENS, "output_image_mtok"),
    "output_video": Unit(TOKENS, "output_video_mtok"),
    "output_reasoning": Unit(TOKENS, "output_reasoning_mtok", "output"),
    "output_citation": Unit(TOKENS, "output_citation_mtok", "output"),
    "web_searches": Unit(1_000, "web_searches_kcount"),
    "file_searches": Unit(1_000, "storage_searches_kcount"),
    "social_searches": Unit(1_000, "social_searches_kcount"),
    "rerank_searches": Unit(1_000, "rerank_searches_kcount"),
    "code_executions": Unit(1_000, "code_executions_kcount"),
    "requests": Unit(1_000, "requests_kcount"),
    "input_characters": Unit(1_000_000, "input_mchars"),
    "input_messages": Unit(1_000, "input_text_messages_kcount"),
    "audio_seconds": Unit(HOUR, "audio_hours", decimals=3),
    "input_audio_seconds": Unit(HOUR, "input_audio_hours", decimals=3),
    "output_audio_seconds": Unit(HOUR, "output_audio_hours", decimals=3),
    "pages": Unit(1_000, "input_document_kpages"),
    "annotated_pages": Unit(1_000, "input_annotated_document_kpages"),
    "pixels": Unit(1_000_000_000, "input_gpixels"),
}

COUNTED_IN_TOKENS: frozenset[OtherUnit] = frozenset(
    {
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
    }
)
"""The other units that are classes of tokens, which a record has in `tokens`."""
