"""A vendor's usage object without free text, since a prompt could be in it. Pure."""

import re
from collections.abc import Mapping
from typing import Any, cast

from allowance.usage.content import MAX_OBJECT_DEPTH
from allowance.usage.reading import marks

TEXT, NAME = "(text)", "(name)"
"""What stands for a text and for a name of a field. The reader of usage objects names such a field
and gives no cost, as it does for any word that it does not know.
"""

WORDS = frozenset(
    {
        "tokens",
        "duration",
        *marks.LITELLM_TIERS,
        *marks.ANTHROPIC_SPEEDS,
        *marks.ANTHROPIC_PLACES,
        *marks.PERPLEXITY_SIZES,
        *marks.GEMINI_TRAFFIC,
        *marks.GEMINI_TIERS,
        *marks.BEDROCK_TIERS,
    }
)
"""The words that say what was counted, or which price applies."""

_NUMBER = re.compile(r"-?[0-9]{1,30}(?:\.[0-9]{1,30})?", re.ASCII)
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,63}", re.ASCII)


def counts_only(usage: Mapping[str, Any]) -> dict[str, Any]:
    """Return a usage object with its numbers and known words. TEXT stands for other texts."""
    return cast("dict[str, Any]", _kept(usage, 0))


def _kept(value: object, depth: int) -> object:
    if isinstance(value, str):
        return value if value.lower() in WORDS or _NUMBER.fullmatch(value) else TEXT
    if isinstance(value, Mapping | list) and depth > MAX_OBJECT_DEPTH:
        return [TEXT]  # The ledger refuses an object of this depth.
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, Any]", value)
        return {
            name if _FIELD.fullmatch(name) else NAME: _kept(each, depth + 1)
            for name, each in fields.items()
        }
    if isinstance(value, list):
        return [_kept(each, depth + 1) for each in cast("list[object]", value)]
    return value
