"""Who a call was, by the fields of a gateway's message that its source may use. Pure."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from allowance.contract.fields import NumberedName

HEADER = "header:"
"""`header:x-user` in the settings of a source stands for a header of the caller's request."""

_NAME: TypeAdapter[str] = TypeAdapter(NumberedName)


class Named(NamedTuple):
    """The name of a user, and the fields of the settings that no message of the sender has."""

    user: str
    unknown_fields: Sequence[str]


def named_user(
    fields: Sequence[str],
    said: Mapping[str, str | None],
    headers: Mapping[str, str],
    *,
    nobody: Collection[str],
    otherwise: str,
) -> Named:
    """Return the first name that a field has, else `otherwise`, which is the name of nobody.

    `said` are the fields of the sender's protocol. A text in `nobody`, or one that no user can
    have, names nobody: the call still counts.
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    values = {each: said[each] for each in fields if each in said} | {
        each: lowered.get(each.removeprefix(HEADER).lower())
        for each in fields
        if each.startswith(HEADER)
    }
    unknown = [each for each in fields if each not in values]
    for each in fields:
        value = values.get(each)
        if value and value not in nobody and is_name(value):
            return Named(value, unknown)
    return Named(otherwise, unknown)


def is_name(value: object) -> bool:
    """Return whether a record may name a user so."""
    try:
        _NAME.validate_python(value)
    except ValidationError:
        return False
    return True
