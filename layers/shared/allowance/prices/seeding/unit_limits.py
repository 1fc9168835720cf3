"""Plausible prices of units, alone or beside the price of text. Pure.

"The book" is the shipped book of November 2026. It is within every limit.
"""

import re
from collections.abc import Mapping

MODALITY_FACTOR = 100
"""A token of audio, images, video or reasoning costs at most this many times the text of its side,
and at least the text divided by this. (The book: 0.2 to 60.)
"""
CACHED_PERCENT = 110
"""A cached token costs at most this percentage of a fresh one of its kind. (The book: 25.)"""

MODALITY = re.compile(
    r"(?P<side>input|cache_read|output)_(?P<of>audio|image|video|reasoning|citation)"
)
EACH = (100_000_000, 500_000_000_000)
"""$0.0001 and $0.50 for one: a search, a run, a request, a message, a page. (The book: 0.001 to
0.035.)
"""
TIME = (250, 30_000_000)
"""$0.0009 and $108 an hour of audio. (The book: 0.04 to 4.8.)"""

UNIT_LIMITS: Mapping[str, tuple[int, int]] = {
    **dict.fromkeys(
        (
            "web_searches",
            "file_searches",
            "social_searches",
            "rerank_searches",
            "code_executions",
            "requests",
            "input_messages",
            "pages",
            "annotated_pages",
        ),
        EACH,
    ),
    **dict.fromkeys(
        ("audio_milliseconds", "input_audio_milliseconds", "output_audio_milliseconds"), TIME
    ),
    # $0.01 and $100 per billion: Voyage asks for 0.60.
    "pixels": (10, 100_000),
}
"""The lowest and highest plausible price of a unit, except 0. Others have the limits of tokens."""


def beside_text(path: str, rate: int, rates: Mapping[str, int | None]) -> str | None:
    """Return why a new rate of audio, images, video or reasoning fits neither the text of its side
    nor a fresh token of its kind; None if it fits.
    """
    prefix, _, unit = path.partition("unit_prices.")
    kind = MODALITY.fullmatch(unit)
    if kind is None or rate == 0:
        return None
    side = "output" if kind["side"] == "output" else "input"
    text = rates.get(f"{prefix}{side}_price")
    if text and (rate > text * MODALITY_FACTOR or rate * MODALITY_FACTOR < text):
        return f"{rate} does not fit the {side} price {text}"
    fresh = rates.get(f"{prefix}unit_prices.input_{kind['of']}")
    if kind["side"] == "cache_read" and fresh and rate * 100 > fresh * CACHED_PERCENT:
        return f"{rate} is more than {CACHED_PERCENT}% of the price {fresh} of a fresh one"
    return None
