"""Queries that are known before the caller is: their rows come in the same round trip.

A store names them from the body and the path. Their rows wait here until a handle asks for them,
which it can only after the rule has allowed what they need. A caller without a valid credential
makes them run in vain, so a store names few and cheap ones.
"""

from collections.abc import Sequence
from typing import Any

from allowance.database.queries import Call


class Ahead:
    """Rows that came with the caller. Each is given out once; asked again, the database answers."""

    def __init__(self, calls: Sequence[Call[Any]] = (), rows: Sequence[list[Any]] = ()) -> None:
        self._found = list(zip(calls, rows, strict=True))

    def take[T](self, what: Call[T]) -> list[T] | None:
        """Return the rows of this very call, None if it did not come with the caller."""
        for place, (each, rows) in enumerate(self._found):
            if each is what:
                del self._found[place]
                return rows
        return None
