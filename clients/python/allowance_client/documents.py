"""From a document of a response to a dataclass: every field is there and has its type. Pure.

Fields that this version does not know are left out, so that an older client reads a newer service.
"""

import dataclasses
import types
import typing
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, cast

from allowance_client.errors import ApiError
from allowance_client.responses import Answer

T = TypeVar("T")


def read(kind: type[T], answer: Answer) -> T:
    """Return the document of a response. Raise ApiError if it is another one."""
    return read_part(kind, answer, answer.body)


def read_part(kind: type[T], answer: Answer, found: Any) -> T:
    """Like `read`, for a part of the document."""
    try:
        return cast("T", _value(kind, found, "body"))
    except _Unexpected as error:
        raise ApiError(
            answer.status,
            f"The response is not as expected: {error}.",
            detail="Check the address, and the version of this package.",
            body=answer.body,
            request_id=answer.request_id,
        ) from None


class _Unexpected(Exception):
    """The path of a field, and what is wrong with it."""


@cache
def _fields(kind: type[Any]) -> tuple[tuple[str, Any, Any], ...]:
    """Return name, type and default of each field of a dataclass."""
    hints = typing.get_type_hints(kind)
    return tuple((each.name, hints[each.name], each.default) for each in dataclasses.fields(kind))


def _value(kind: Any, found: Any, path: str) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return found
    if origin in (types.UnionType, typing.Union):
        if found is None and types.NoneType in arguments:
            return None
        (kind,) = (each for each in arguments if each is not types.NoneType)
        return _value(kind, found, path)
    if origin is tuple:
        if isinstance(found, list):
            listed = enumerate(cast("list[Any]", found))
            return tuple(_value(arguments[0], each, f"{path}[{n}]") for n, each in listed)
    elif dataclasses.is_dataclass(kind):
        if isinstance(found, dict):
            return _record(cast("type[Any]", kind), cast("dict[str, Any]", found), path)
    elif origin is Mapping or kind is Mapping:
        if isinstance(found, dict):
            return cast("dict[str, Any]", found)
    elif kind is datetime:
        return _time(found, path)
    elif type(found) is kind:
        return found
    raise _Unexpected(f"{path} is {type(found).__name__}")


def _record(kind: type[Any], found: dict[str, Any], path: str) -> Any:
    values: dict[str, Any] = {}
    for name, type_, default in _fields(kind):
        if name in found:
            values[name] = _value(type_, found[name], f"{path}.{name}")
        elif default is dataclasses.MISSING:
            raise _Unexpected(f"{path}.{name} is missing")
    return kind(**values)


def _time(found: Any, path: str) -> datetime:
    try:
        return datetime.fromisoformat(found)
    except (TypeError, ValueError):
        raise _Unexpected(f"{path} is no time") from None
