"""What the reader of a sender's document returns: usage records, and what it refuses. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from allowance.errors import Problem

NO_IDENTITY = "(no identity)"
"""The user of a message that names none by a trusted field. No username has parentheses, so its
usage counts for nobody until an owner assigns it.
"""


RESERVATION_KEY = "reservation_key"
"""The field of a record that names the reservation of its call."""


class Failed(NamedTuple):
    """A call that used nothing: the key of its reservation, its user, and names of its model."""

    key: str
    user: str
    models: frozenset[str]


@dataclass(frozen=True, slots=True)
class Sender:
    """The source of a message, and the fields of its messages that may name the user, best first.

    Callers control most fields. So only the settings of the source make one of them trusted.
    """

    source: str
    identity: tuple[str, ...] = ()
    estimate_micros: int | None = None


@dataclass(slots=True)
class Parsed:
    """Usage records with their places in the document, and the problems of what gave no record.

    `lost` has the places of these. `noted` says what is recorded without a cost. `ignored` counts
    messages of other kinds.
    """

    records: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    places: list[str] = field(default_factory=list[str])
    refused: list[Problem] = field(default_factory=list[Problem])
    lost: set[str] = field(default_factory=set[str])
    noted: list[Problem] = field(default_factory=list[Problem])
    ignored: int = 0

    def add(self, place: str, record: dict[str, Any]) -> None:
        """Add a record, and its place in the document."""
        self.places.append(place)
        self.records.append(record)

    def refuse(self, place: str, problems: Iterable[Problem]) -> None:
        """Add the problems of a part of the document, each with its whole path. An empty place is
        the document.
        """
        self.lost.add(place)
        before = f"{place}." if place else ""
        self.refused.extend(Problem(f"{before}{each.field}", each.detail) for each in problems)


class Refused(Exception):
    """A part of a document cannot be read: its fields, and why."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = list(problems)


def missing(name: str, detail: str = "Missing.") -> Refused:
    """Return the refusal of a part that lacks a field."""
    return Refused(Problem(name, detail))
