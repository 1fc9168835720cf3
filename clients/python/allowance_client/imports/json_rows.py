"""The JSON objects of a text, one after the other, in bounded memory: of a list, of several lists,
or one a line.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from allowance_client.imports.problems import refused
from allowance_client.imports.values import Number

MAX_VALUE = 32 << 20
"""The characters of one JSON value or one line. More is no row of any format."""

LEAST = 1 << 16
NEAR_THE_END = 64
"""An error this close to the end of what is read may come from the cut."""

_SPACE = re.compile(r"[ \t\r\n]*")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice in one object")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=Number.of
)


def json_of(text: str) -> Any:
    """Return the value of a JSON text. Raise ValueError."""
    try:
        return _DECODER.decode(text)
    except RecursionError as error:
        raise ValueError("is nested too deeply") from error


class _Text:
    """The characters that are read and not used yet."""

    def __init__(self, chunks: Iterator[str], least: int) -> None:
        self._chunks = chunks
        self._least = least
        self._text = ""
        self._at = 0
        self._is_whole = False

    def next(self) -> str:
        """Return the next character that is no white space, without using it; "" at the end."""
        while True:
            found = _SPACE.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if self._is_whole:
                return ""
            self._read()

    def skip(self) -> None:
        """Use one character."""
        self._at += 1

    def value(self, place: str) -> dict[str, Any]:
        """Use the next value, an object. Raise ImportRefused."""
        while True:
            try:
                value, self._at = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if not self._may_be_cut(error):
                    raise refused(f"Is no JSON: {error.msg}.", place) from error
                self._read()
            except (ValueError, RecursionError) as error:
                raise refused(f"Is no JSON of a row: {error}.", place) from error
            else:
                return value

    def _may_be_cut(self, error: json.JSONDecodeError) -> bool:
        waiting = len(self._text) - self._at
        is_near = error.pos >= len(self._text) - NEAR_THE_END
        is_open = is_near or error.msg.startswith("Unterminated")
        return is_open and not self._is_whole and waiting <= MAX_VALUE

    def _read(self) -> None:
        """Read as much again as waits, so that a long value is not parsed once for each chunk."""
        self._text, self._at = self._text[self._at :], 0
        read: list[str] = []
        wanted = max(self._least, len(self._text))
        while wanted > 0 and not self._is_whole:
            chunk = next(self._chunks, None)
            self._is_whole = chunk is None
            read.append(chunk or "")
            wanted -= len(chunk or "")
        self._text += "".join(read)


def json_objects(chunks: Iterator[str], least: int = LEAST) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each object with its place, `row 1`, reading `least` characters at once or more. Raise
    ImportRefused.
    """
    text, number = _Text(chunks, least), 0
    while first := text.next():
        if first == "[":
            text.skip()
            for row in _list(text, number):
                number += 1
                yield f"row {number}", row
        else:
            number += 1
            yield f"row {number}", _object(text, number)
    if not number:
        raise refused("It has no rows.")


def _list(text: _Text, before: int) -> Iterator[dict[str, Any]]:
    number = before
    if text.next() == "]":
        text.skip()
        return
    while True:
        number += 1
        yield _object(text, number)
        following = text.next()
        text.skip()
        if following == "]":
            return
        if following == "":
            raise refused("The list does not end: the file is cut off.")
        if following != ",":
            raise refused("A comma or the end of the list is missing.", f"row {number}")


def _object(text: _Text, number: int) -> dict[str, Any]:
    place, first = f"row {number}", text.next()
    if first == "":
        raise refused("The list does not end: the file is cut off.")
    if first != "{":
        raise refused("Must be a JSON object.", place)
    return text.value(place)
