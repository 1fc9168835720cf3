"""The queries of every domain, and what each needs from its caller.

A `.sql` file lies beside the module that runs it and holds several queries:

    -- name: get_group_budget
    -- needs: read group %(group_id)s
    -- Return the budget of a group.
    SELECT ...

A need is `ACTION TYPE [ID] [in ORGANIZATION]`. Several needs are all required; `create or update`
accepts either action. ID and ORGANIZATION name a parameter (`%(group_id)s`), or a parameter that
holds several values (`each %(group_ids)s`). Without an ID, or with NULL for one, the object is the
type at large. `nothing` marks a query that runs before the caller is known.

A fragment (`-- fragment: NAME`) is SQL that several queries share. It replaces each line
`-- include: NAME`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from allowance.rbac.policy import Action, ResourceType

LAYER = Path(__file__).parents[1]

_PIECE = re.compile(r"^-- (name|fragment): (\w+)\n", re.MULTILINE)
_NEEDS = re.compile(r"^-- needs: (.+)\n", re.MULTILINE)
_INCLUDE = re.compile(r"^ *-- include: (\w+)\n", re.MULTILINE)
_TERM = r"(?:each )?%\(\w+\)s"
_NEED = re.compile(
    rf"(?P<actions>\w+(?: or \w+)*) (?P<type>\w+)"
    rf"(?: (?P<id>{_TERM}))?(?: in (?P<organization>{_TERM}))?"
)
_PARAMETER = re.compile(r"(each )?%\((\w+)\)s")

type Place = tuple[Literal["parameter", "each"], str]
"""The place of an id: a parameter, or a parameter with several values."""


@dataclass(frozen=True, slots=True)
class Need:
    """An action on objects of a type: on one, on several, or on the type at large."""

    actions: frozenset[Action]
    type: ResourceType
    id: Place | None
    organization: Place | None


@dataclass(frozen=True, slots=True)
class Query:
    """A query with its needs. Without a need it runs before the caller is known."""

    name: str
    needs: tuple[Need, ...]
    sql: bytes


@dataclass(frozen=True, slots=True)
class Call[T]:
    """A query with its parameters, and the model of its rows."""

    model: type[T]
    query: str
    parameters: dict[str, Any]


def call[T](model: type[T], query: str, /, **parameters: Any) -> Call[T]:
    """Return a call of a query, for a batch or for later."""
    return Call(model, query, parameters)


@cache
def queries() -> Mapping[str, Query]:
    """Return every query by its name. Raise ValueError if a file breaks the rules above."""
    texts: dict[str, str] = {}
    fragments: dict[str, str] = {}
    for path in sorted(LAYER.rglob("*.sql")):
        _, *pieces = _PIECE.split(path.read_text(encoding="utf-8"))
        for kind, name, text in zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True):
            if name in texts or name in fragments:
                raise ValueError(f"Two pieces of SQL are named {name}.")
            (texts if kind == "name" else fragments)[name] = text
    return {name: _query(name, text, fragments) for name, text in texts.items()}


def _query(name: str, text: str, fragments: Mapping[str, str]) -> Query:
    stated = _NEEDS.findall(text)
    if not stated:
        raise ValueError(f"The query {name} declares no need.")
    needs = () if stated == ["nothing"] else tuple(_need(name, each) for each in stated)
    sql = _INCLUDE.sub(lambda found: fragments[found[1]], _NEEDS.sub("", text))
    return Query(name, needs, sql.encode())


def _need(name: str, text: str) -> Need:
    found = _NEED.fullmatch(text)
    if found is None:
        raise ValueError(f"The query {name} needs {text!r}, which cannot be read.")
    try:
        actions = frozenset(map(Action, found["actions"].split(" or ")))
        resource_type = ResourceType(found["type"])
    except ValueError as error:
        raise ValueError(f"The query {name} needs {text!r}: {error}") from None
    return Need(
        actions,
        resource_type,
        _place(found["id"]),
        _place(found["organization"]),
    )


def _place(parameter: str | None) -> Place | None:
    if parameter is None:
        return None
    found = _PARAMETER.fullmatch(parameter)
    if found is None:
        raise ValueError(f"{parameter!r} is no parameter.")
    return "each" if found[1] else "parameter", found[2]
