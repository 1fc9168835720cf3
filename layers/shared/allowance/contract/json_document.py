"""Strict JSON: a document that two parsers could read differently is refused."""

import json
import re
from collections import Counter
from itertools import chain
from typing import Any, NoReturn, cast

from pydantic_core import from_json

from allowance.errors import InvalidJSON

MAX_INTEGER_DIGITS = 40
"""A longer literal becomes a number of this many digits: above every bound, and cheap to parse."""

MAX_SHOWN = 100
"""The most characters of a key that an error repeats."""

_CONTAINERS = frozenset((dict, list))

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""Some Windows programs begin UTF-8 with it. It says nothing else (RFC 8259, 8.1)."""

_LONG_INTEGER = re.compile(rb"[0-9]{%d}" % (MAX_INTEGER_DIGITS + 1))


_SPACE_BEFORE_COLON = re.compile(rb'"[ \t\n\r]+:')
_SPACES_AFTER_QUOTE = (b'" ', b'"\t', b'"\n', b'"\r')
"""Without any of these there is no space before a colon, which compact JSON shows at once."""


def json_object(content: bytes) -> dict[str, Any]:
    """Return a JSON object, parsed more strictly than by json.loads. Raise InvalidJSON."""
    content = content.removeprefix(_BYTE_ORDER_MARK)
    if (plain := _plain_object(content)) is not None:
        return plain
    try:
        text = content.decode()
        value: object = json.loads(
            text,
            object_pairs_hook=_without_duplicates,
            parse_constant=_no_constant,
            # Python's own parser is several times faster, but it refuses thousands of digits.
            parse_int=_integer if _LONG_INTEGER.search(content) else None,
        )
        if "\\u" in text:
            # No encoding has a lone surrogate ("\ud800"), so no response and no row can hold it.
            json.dumps(value, ensure_ascii=False).encode()
    except ValueError as error:
        raise InvalidJSON(detail=_where(error)) from error
    except RecursionError as error:
        raise InvalidJSON(detail="It is nested too deeply.") from error
    if not isinstance(value, dict):
        raise InvalidJSON(detail="It must be an object.")
    return cast("dict[str, Any]", value)


def json_value(content: bytes) -> Any:
    """Return a JSON value of any kind, as Python's own writer makes it: NaN, which is no JSON,
    reads as null, and a text may have half of a surrogate pair. Raise InvalidJSON.

    For messages that carry what somebody else wrote: one odd number in a prompt must not cost the
    rest. What is stored of a value is checked where it is read.
    """
    try:
        return json.loads(
            content.removeprefix(_BYTE_ORDER_MARK).decode(),
            object_pairs_hook=_without_duplicates,
            parse_constant=_nothing,
            parse_int=_integer if _LONG_INTEGER.search(content) else None,
        )
    except ValueError as error:
        raise InvalidJSON(detail=_where(error)) from error
    except RecursionError as error:
        raise InvalidJSON(detail="It is nested too deeply.") from error


def _plain_object(content: bytes) -> dict[str, Any] | None:
    """Return the object if it provably has no duplicate key, else None. Five times as fast as the
    strict parser, which must decide about None.

    pydantic's parser refuses what the strict one refuses, except duplicate keys. Without white
    space before a colon, `":` follows each key. So the document has at most as many keys as `":`.
    If the parsed object has that many keys, the parser dropped no duplicate.
    """
    has_spaces = any(each in content for each in _SPACES_AFTER_QUOTE)
    if has_spaces and _SPACE_BEFORE_COLON.search(content):
        return None
    try:
        value: object = from_json(content, allow_inf_nan=False)
    except ValueError:
        return None
    if not isinstance(value, dict):
        return None
    parsed = cast("dict[str, Any]", value)
    return parsed if content.count(b'":') == _number_of_keys(parsed) else None


def _number_of_keys(value: object) -> int:
    keys = 0
    level: list[Any] = [value]
    while level:
        objects: list[dict[str, Any]] = [each for each in level if type(each) is dict]
        arrays: list[list[Any]] = [each for each in level if type(each) is list]
        keys += sum(map(len, objects))
        groups = chain(map(dict[str, Any].values, objects), arrays)
        # Most values are texts, so they leave by the first condition.
        level = [
            each
            for group in groups
            for each in group
            if type(each) is not str and type(each) in _CONTAINERS
        ]
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
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise ValueError(f"An object has the key {json.dumps(twice[:MAX_SHOWN])} twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _nothing(name: str) -> None:
    del name


def _integer(literal: str) -> int:
    if len(literal) > MAX_INTEGER_DIGITS:
        return -(10**MAX_INTEGER_DIGITS) if literal.startswith("-") else 10**MAX_INTEGER_DIGITS
    return int(literal)
