"""Split the totals of a vendor into our disjoint classes.

Vendors count parts inside their wholes: cached tokens and audio inside the input, audio inside the
cached. Where two parts could overlap by an unknown number, the object stays unread.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from allowance.errors import Problem, UsageOutOfRange
from allowance.prices.cost import MAX_TOKENS, Tokens
from allowance.prices.terms import Variant
from allowance.prices.units import OtherUnit, OtherUnits
from allowance.usage.reading.cursor import Cursor

Modality = Literal["audio", "image", "video"]
"""Tokens that may have a price of their own. Text has the price of the class itself."""

type Parts = Mapping[Modality, int]

INPUT: Mapping[Modality, OtherUnit] = {
    "audio": "input_audio",
    "image": "input_image",
    "video": "input_video",
}
CACHED: Mapping[Modality, OtherUnit] = {
    "audio": "cache_read_audio",
    "image": "cache_read_image",
    "video": "cache_read_video",
}
OUTPUT: Mapping[Modality, OtherUnit] = {
    "audio": "output_audio",
    "image": "output_image",
    "video": "output_video",
}


class Reading(NamedTuple):
    """What an object says. `variant` is the kind of processing that its marks name, and `requests`
    the number of requests that it is of.

    `unread` is empty for an object that was read whole. Otherwise it names what was not understood,
    and no tokens or units are counted.
    """

    tokens: Tokens
    others: OtherUnits
    variant: Variant | None
    unread: tuple[Problem, ...]
    requests: int = 1


@dataclass
class Counts:
    """The classes and units of an object, while it is read."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    variant: Variant | None = None
    requests: int = 1
    others: dict[OtherUnit, int] = field(default_factory=dict[OtherUnit, int])

    def add(self, unit: OtherUnit, quantity: int) -> None:
        """Add to a unit. Zero leaves no trace."""
        if quantity:
            self.others[unit] = self.others.get(unit, 0) + quantity

    def units(self) -> OtherUnits:
        """Return the other units. Raise UsageOutOfRange above 1e12."""
        above = [unit for unit, quantity in self.others.items() if quantity > MAX_TOKENS]
        if above:
            raise UsageOutOfRange(
                Problem(f"units.{unit}", f"Must not be above {MAX_TOKENS}.") for unit in above
            )
        return self.others

    def tokens(self) -> Tokens:
        """Return the classes with columns of their own. Raise UsageOutOfRange above 1e12."""
        return Tokens(
            self.input, self.output, self.cache_read, self.cache_write, self.cache_write_1h
        )


def add_input(
    counts: Counts,
    where: tuple[Cursor, str],
    total: int,
    *,
    cached: int = 0,
    written: int = 0,
    written_1h: int = 0,
    parts: Parts | None = None,
    cached_parts: Parts | None = None,
) -> None:
    """Add the input, whose total includes all the other numbers. `written` includes `written_1h`.

    `cached_parts` None: the object does not say what is cached. `where` is named if it cannot be
    split.
    """
    cursor, name = where
    stated: Parts = parts or {}
    set_parts: dict[Modality, int] = {kind: count for kind, count in stated.items() if count}
    if cached_parts is None and cached and set_parts:
        cursor.unread(name, f"Does not say how many of the {cached} cached tokens are text.")
        return
    cached_parts = cached_parts or {}
    fresh: dict[Modality, int] = {}
    for kind, count in set_parts.items():
        fresh[kind] = count - cached_parts.get(kind, 0)
    text = total - cached - written - sum(fresh.values())
    cached_text = cached - sum(cached_parts.values())
    if min(text, cached_text, written - written_1h, *fresh.values()) < 0 or not (
        {kind for kind, count in cached_parts.items() if count} <= set_parts.keys()
    ):
        cursor.unread(name, "Must not be below its parts: cached, written, audio, image, video.")
        return
    counts.input += text
    counts.cache_read += cached_text
    counts.cache_write += written - written_1h
    counts.cache_write_1h += written_1h
    for kind, count in fresh.items():
        counts.add(INPUT[kind], count)
    for kind, count in cached_parts.items():
        counts.add(CACHED[kind], count)


def add_output(
    counts: Counts, where: tuple[Cursor, str], total: int, parts: Parts | None = None
) -> None:
    """Add the output, whose total includes its parts."""
    parts = parts or {}
    text = total - sum(parts.values())
    if text < 0:
        cursor, name = where
        cursor.unread(name, f"Must not be below its parts, {sum(parts.values())}.")
        return
    counts.output += text
    for kind, count in parts.items():
        counts.add(OUTPUT[kind], count)
