"""The words for the kind of processing of a call. Pure."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from allowance.contract.spellings import word
from allowance.prices.terms import Variant

NO_VARIANT = frozenset({"default", "standard", "on_demand", "on-demand"})
"""What vendors call a call without a variant. `auto` is none of these: it leaves the choice to the
vendor, whose response says what it was.
"""

VARIANT_WORD = re.compile(r"[a-z0-9](?:[a-z0-9+_./:-]{0,62}[a-z0-9])?")
"""A word of a vendor, or several together. Vendors have more of them than price books: a usage is
kept by its word, and has a price once the word has one.
"""


def variant_of(value: Any) -> Any:
    """Return the variant that a word names, None of one in NO_VARIANT; else the value."""
    named = word(value)
    return None if isinstance(named, str) and named in NO_VARIANT else named


def _known_variant(value: object) -> Any:
    named = variant_of(value)
    if named == "auto":
        raise ValueError("must be what the response says: auto leaves the choice to the vendor")
    return named


def _word_for_variant(value: object) -> Any:
    named = _known_variant(value)
    if isinstance(named, str) and not VARIANT_WORD.fullmatch(named):
        raise ValueError("must be a word, such as batch, flex, priority or fast")
    return named


StatedVariant = Annotated[Variant | None, BeforeValidator(_known_variant)]
UsedVariant = Annotated[
    str | None,
    BeforeValidator(_word_for_variant),
    Field(
        description="batch, flex, priority or fast. Usage with another word is kept without a cost."
    ),
]
