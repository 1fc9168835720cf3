"""JSON, read more strictly than json.loads does: what two readers could take for two things is
refused.
"""

import json
import re
from itertools import chain, compress
from typing import Any, NoReturn, cast

from pydantic_core import from_json

from allowance.errors import InvalidJSON

MAX_INTEGER_DIGITS = 40
"""Longer literals are cut down to this size: far above every bound, and still cheap to read."""

_CONTAINERS = frozenset((dict, list))

_LONG_INTEGER = re.compile(rb"[0-9]{%d}" % (MAX_INTEGER_DIGITS + 1))


_SPACE_BEFORE_COLON = re.compile(rb'"[ \t\n\r]+:')


def json_object(content: bytes) -> dict[str, Any]:
    """A JSON object, read more strictly than json.loads does. Raises InvalidJSON."""
    if (plain := _plain_object(content)) is not None:
        return plain
    try:
        text = content.decode()
        value: object = json.loads(
            text,
            object_pairs_hook=_without_duplicates,
            parse_constant=_no_constant,
            # Python's own is several times faster, and refuses thousands of digits.
            parse_int=_integer if _LONG_INTEGER.search(content) else None,
        )
        if "\\u" in text:
            # A lone surrogate ("\ud800") is in no encoding, so nothing could be answered or stored
            # about it.
            json.dumps(value, ensure_ascii=False).encode()
    except ValueError as error:
        raise InvalidJSON(detail=_where(error)) from error
    except RecursionError as error:
        raise InvalidJSON(detail="It is nested too deeply.") from error
    if not isinstance(value, dict):
        raise InvalidJSON(detail="It must be an object.")
    return cast("dict[str, Any]", value)


def _plain_object(content: bytes) -> dict[str, Any] | None:
    """The object, five times as fast, where it is plain that no key stands twice; None: the careful
    reader decides.

    pydantic's reader refuses all that the careful one does but duplicate keys. Each key is followed
    by `":`, where no white space comes before its colon: then there are at most so many keys as
    there are of these, and none was lost when as many were read.
    """
    if _SPACE_BEFORE_COLON.search(content):
        return None
    try:
        value: object = from_json(content, allow_inf_nan=False)
    except ValueError:
        return None
    if not isinstance(value, dict):
        return None
    read = cast("dict[str, Any]", value)
    return read if content.count(b'":') == _number_of_keys(read) else None


def _number_of_keys(value: object) -> int:
    keys = 0
    level: list[Any] = [value]
    while level:
        objects: list[dict[str, Any]] = [each for each in level if type(each) is dict]
        arrays: list[list[Any]] = [each for each in level if type(each) is list]
        keys += sum(map(len, objects))
        inner = [
            *chain.from_iterable(map(dict[str, Any].values, objects)),
            *chain.from_iterable(arrays),
        ]
        level = list(compress(inner, map(_CONTAINERS.__contains__, map(type, inner))))
    return keys


def _where(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return (
            f"{error.msg} at line {error.lineno}, column {error.colno}."
            if error.doc.strip()
            else "It is empty."
        )
    return "It must be UTF-8." if isinstance(error, UnicodeError) else f"{error}."


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("A key stands twice in an object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _integer(literal: str) -> int:
    if len(literal) > MAX_INTEGER_DIGITS:
        return -(10**MAX_INTEGER_DIGITS) if literal.startswith("-") else 10**MAX_INTEGER_DIGITS
    return int(literal)
