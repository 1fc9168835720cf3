"""Other spellings of one value, as programs write them: each has one reading, and becomes the usual
value before anything else sees it. Pure.

What could be read in two ways keeps its type, so the field refuses it by name.
"""

import re

NUMBERED_IDS_BELOW = 1 << 64
"""An id of a database or a sequence fits. A longer literal may have lost its digits already."""

EXACT_FLOATS_BELOW = 1 << 53
"""From here on, several whole numbers become the same float."""

_DIGITS = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
"""No sign and no leading zero: `010` is ten or eight."""


def whole(value: object) -> object:
    """Return the whole number that a count states: `12`, `12.0`, `1.2e1` or `"12"`; 0 of null.

    JSON of Protocol Buffers has `"12"` for 64 bits. Return anything else as it is.
    """
    if value is None:
        return 0
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    return integral(value)


def integral(value: object) -> object:
    """Return the whole number of a float like `12.0`, and anything else as it is.

    Software with one type of numbers writes it.
    """
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT_FLOATS_BELOW:
        return int(value)
    return value


def numbered(value: object) -> object:
    """Return the text of an id that is a whole number, and anything else as it is."""
    is_number = type(value) is int and 0 <= value < NUMBERED_IDS_BELOW
    return str(value) if is_number else value


def stated(value: object) -> object:
    """Return None of an empty text, which a program writes for a field that it has not set."""
    return None if value == "" else value


def word(value: object) -> object:
    """Return a word of a fixed list in lower case. None of an empty one."""
    return value.lower() or None if isinstance(value, str) else value
