"""Hints for invalid documents: the fields that a model has, and the field that a name resembles."""

import re
from difflib import SequenceMatcher, get_close_matches
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, TypeAliasType, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

type Location = tuple[int | str, ...]
"""The path of a field in a document: ("prices", 3, "input_price")."""

MAX_HINTS = 5
"""The most unknown fields of one object that get a hint, which costs more than the error."""

MAX_NAME_LENGTH = 64
"""A longer name is no misspelt one."""

SIMILAR = 0.75

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")


class Hints:
    """The hints for the problems of one document of a model."""

    def __init__(self, model: type[BaseModel], missing: set[Location]) -> None:
        self._model = model
        self._missing = missing
        self._unknown: dict[Location, int] = {}

    def about(self, location: Location) -> str:
        """Return the description of a field, or an empty text."""
        found = self._fields(location[:-1]).get(str(location[-1])) if location else None
        return found.description or "" if found is not None else ""

    def instead_of(self, location: Location) -> str:
        """Return what may have been meant by an unknown field, or an empty text.

        The fields that an object has are named once.
        """
        place, name = location[:-1], str(location[-1])
        before = self._unknown[place] = self._unknown.get(place, -1) + 1
        if before >= MAX_HINTS:
            return ""
        fields = self._fields(place)
        missing = frozenset(each for each in fields if (*place, each) in self._missing)
        meant = nearest(name, tuple(fields), missing)
        if meant is None:
            return _listed(fields) if before == 0 else ""
        # A missing field has a problem of its own, which describes it.
        about = "" if (*place, meant) in self._missing else self.about((*place, meant))
        return f"Did you mean {meant}? {about}".rstrip()

    def _fields(self, location: Location) -> dict[str, FieldInfo]:
        kind: Any = self._model
        for part in location:
            kind = _part(_plain(kind), part)
        kind = _plain(kind)
        return _named(kind) if _is_model(kind) else {}


@lru_cache(maxsize=4096)
def nearest(name: str, known: tuple[str, ...], missing: frozenset[str] = frozenset()) -> str | None:
    """Return the known name that shares most words with a name, or else is spelled like it. Of two
    that share as many, it is a missing one. None if no known name resembles it.
    """
    if len(name) > MAX_NAME_LENGTH:
        return None
    words = _words(name)
    shares = {each: _share(words, _words(each)) for each in known}
    best = max(shares.values(), default=0)
    if best > 0:
        sharing = [each for each, share in shares.items() if share == best]
        return max(sharing, key=lambda each: (each in missing, _likeness(name, each)))
    return next(iter(get_close_matches(name.lower(), known, n=1, cutoff=SIMILAR)), None)


def _likeness(name: str, other: str) -> float:
    return SequenceMatcher(None, name, other).ratio()


@lru_cache(maxsize=4096)
def _words(name: str) -> frozenset[str]:
    return frozenset(each.lower().removesuffix("s") for each in _WORDS.findall(name))


def _share(words: frozenset[str], others: frozenset[str]) -> float:
    shared = len(words & others)
    return shared / len(words | others) if shared else 0


def _listed(fields: dict[str, FieldInfo]) -> str:
    return f"Known fields: {', '.join(fields)}." if fields else "No field is known here."


def _named(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields of a model by the names that a document has for them."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _part(kind: Any, part: int | str) -> Any:
    """Return the type of a field, an item or a value. None if it is not known."""
    if _is_model(kind):
        field = _named(kind).get(str(part))
        return None if field is None else field.annotation
    arguments = get_args(kind)
    match get_origin(kind):
        case found if found is list and arguments:
            return arguments[0]
        case found if found is dict and arguments:
            return arguments[1]
        case _:
            return None


def _plain(kind: Any) -> Any:
    """Return a type without its annotations, its name and null."""
    while True:
        if isinstance(kind, TypeAliasType):
            kind = kind.__value__
        elif get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        elif get_origin(kind) in (Union, UnionType):
            kind = next((each for each in get_args(kind) if each is not type(None)), None)
        else:
            return kind


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
