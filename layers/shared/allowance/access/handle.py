"""The handle that the gate gives out: the database, for what it was opened for and nothing else."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, cast

from allowance.access.ahead import Ahead
from allowance.database.database import Database
from allowance.database.queries import Call, Need, Place, call, queries
from allowance.rbac.policy import Action, Object, ResourceType


class QueryNotPermitted(Exception):
    """A store asked for a query that needs something else than its handle was opened for.

    This is a mistake in the code, never of a caller: the border answers 500.
    """


class Permit(NamedTuple):
    """An action on an object that the rule has allowed."""

    action: Action
    object: Object


type Key = tuple[Action, ResourceType, str | None, str | None]
"""An action, the type and id of an object, and the id of its organization. None: at large."""


class Handle:
    """The proof that the rule allowed an action on objects; it runs only queries that need that.

    Every method raises QueryNotPermitted for another query, before anything is sent, and what
    `allowance.database.database.Database` raises.
    """

    def __init__(
        self, database: Database, permits: Iterable[Permit], ahead: Ahead | None = None
    ) -> None:
        self._database = database
        self._ahead = ahead or Ahead()
        self._permits: frozenset[Key] = frozenset(
            (action, obj.type, obj.id, _text(obj.organization_id)) for action, obj in permits
        )
        # A need that names no organization matches the object in whichever it is.
        self._anywhere = frozenset(key[:3] for key in self._permits)

    def many[T](self, model: type[T], query: str, /, **parameters: Any) -> list[T]:
        """Return all rows of a query. One round trip."""
        return self.rows_of(call(model, query, **parameters))

    def rows_of[T](self, what: Call[T]) -> list[T]:
        """Like `many`, for a prepared Call. No round trip for one that came with the caller."""
        self._require(what.query, what.parameters)
        rows = self._ahead.take(what)
        return self._database.rows_of(what) if rows is None else rows

    def first[T](self, model: type[T], query: str, /, **parameters: Any) -> T | None:
        """Return the first row of a query, or None. One round trip."""
        return next(iter(self.many(model, query, **parameters)), None)

    def one[T](self, model: type[T], query: str, /, **parameters: Any) -> T:
        """Return the row of a query that always has one. One round trip."""
        row = self.first(model, query, **parameters)
        if row is None:
            raise LookupError(f"The query {query} returned no row.")
        return row

    def run(self, query: str, /, **parameters: Any) -> int:
        """Return how many rows a statement touched. One round trip."""
        self._require(query, parameters)
        return self._database.run(query, parameters)

    def in_one_trip[A, B](self, first: Call[A], second: Call[B]) -> tuple[list[A], list[B]]:
        """Return the rows of two statements of one implicit transaction. One round trip."""
        earlier, later = self.all_in_one_trip(first, second)
        return earlier, later

    def all_in_one_trip(self, *calls: Call[Any]) -> list[list[Any]]:
        """Like `in_one_trip`, for any number of statements. Those that came with the caller are
        not sent again.
        """
        for each in calls:
            self._require(each.query, each.parameters)
        found = [self._ahead.take(each) for each in calls]
        missing = [each for each, rows in zip(calls, found, strict=True) if rows is None]
        fetched = iter(self._database.batch(*missing) if missing else ())
        return [next(fetched) if rows is None else rows for rows in found]

    def transaction(self) -> AbstractContextManager[None]:
        """Run several statements, all or nothing. Costs two round trips more: for jobs only."""
        return self._database.transaction()

    def _require(self, query: str, parameters: Mapping[str, Any]) -> None:
        needs = queries()[query].needs
        if not needs:
            raise QueryNotPermitted(f"The query {query} is not for stores.")
        for need in needs:
            if not any(self._covers(action, need, parameters) for action in need.actions):
                raise QueryNotPermitted(
                    f"The query {query} needs {_shown(need)}; its handle was opened for something"
                    " else."
                )

    def _covers(self, action: Action, need: Need, parameters: Mapping[str, Any]) -> bool:
        ids = _values(need.id, parameters)
        if need.organization is None and need.id is not None:
            return all((action, need.type, each) in self._anywhere for each in ids)
        organizations = _values(need.organization, parameters)
        return all(
            (action, need.type, each, organization) in self._permits
            for each in ids
            for organization in organizations
        )


def _values(place: Place | None, parameters: Mapping[str, Any]) -> list[str | None]:
    """Return the ids that a need names; [None] for the type at large."""
    if place is None:
        return [None]
    kind, name = place
    value = parameters[name]
    if kind == "each" and value is not None:
        return [_text(each) for each in cast("Iterable[object]", value)]
    return [_text(value)]


def _text(id_: object) -> str | None:
    return None if id_ is None else str(id_)


def _shown(need: Need) -> str:
    actions = " or ".join(sorted(need.actions))
    places = [place[1] for place in (need.id, need.organization) if place is not None]
    return " ".join([actions, need.type, *places])
