"""A usage object while it is read. It remembers what no rule has explained yet.

A count that is no whole number from 0 to 1e12 is malformed: the record is refused. A number that no
rule takes, a mark with an unknown value, or a total that differs from its parts is unread: the
record is kept without a cost.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact
from typing import Any, cast

from allowance.contract.spellings import integral
from allowance.errors import Problem
from allowance.prices.cost import MAX_TOKENS

MILLISECOND = Decimal("0.001")
EXACT = Context(prec=28, traps=[Inexact])
"""Seconds up to 1e12 have at most 16 digits down to milliseconds."""
UNKNOWN = "Not a counter that this format knows."


@dataclass
class Findings:
    """What is wrong with an object: malformed counts, and what stays unread."""

    malformed: list[Problem] = field(default_factory=list[Problem])
    unread: list[Problem] = field(default_factory=list[Problem])


class Cursor:
    """One object inside a usage object. Each method takes the fields that it reads."""

    def __init__(self, fields: Mapping[str, Any], path: str, findings: Findings) -> None:
        self._left = dict(fields)
        self._path = path
        self._findings = findings
        self._inner: dict[str, Cursor] = {}
        self._items: list[Cursor] = []

    def has(self, *names: str) -> bool:
        """Return whether any of these fields is there and not null."""
        return any(self._left.get(name) is not None for name in names)

    def is_done(self) -> bool:
        """Return whether every field has been taken."""
        return not self._left

    def count(self, *names: str, required: bool = False) -> int:
        """Take the first of these fields that is set: a whole number from 0 to 1e12. 0 if none is.

        A `required` one that is missing leaves the object unread.
        """
        for name in names:
            value = self._left.pop(name, None)
            if value is not None:
                return self._whole(name, value)
        if required:
            self.unread(names[0], "Missing.")
        return 0

    def milliseconds(self, name: str) -> int:
        """Take a number of seconds, as whole milliseconds. A finer one stays unread."""
        value = self._left.pop(name, None)
        if value is None:
            return 0
        if type(value) not in {int, float, Decimal} or not 0 <= value <= MAX_TOKENS:
            self.malformed(name, f"Must be a number from 0 to {MAX_TOKENS}.")
            return 0
        try:
            return int(Decimal(str(value)).quantize(MILLISECOND, context=EXACT).scaleb(3))
        except Inexact:
            self.unread(name, "Must be whole milliseconds, in seconds.")
            return 0

    def inner(self, name: str) -> "Cursor":
        """Take an object, empty if it is missing or null. Return the same one to each caller."""
        if name not in self._inner:
            value = self._left.pop(name, None)
            if value is not None and not isinstance(value, dict):
                self.malformed(name, "Must be an object.")
                value = None
            fields = cast("dict[str, Any]", value or {})
            self._inner[name] = Cursor(fields, f"{self._path}.{name}", self._findings)
        return self._inner[name]

    def at(self, path: str) -> "tuple[Cursor, str]":
        """Return the object that holds a field, and the field's name. `a.b` is in the object `a`.

        What is no object stays where it is, and so unread.
        """
        first, _, rest = path.partition(".")
        if not rest:
            return self, first
        if first not in self._inner and not isinstance(self._left.get(first), dict):
            return Cursor({}, f"{self._path}.{first}", self._findings).at(rest)
        return self.inner(first).at(rest)

    def each(self, name: str) -> list["Cursor"]:
        """Take a list of objects, empty if it is missing or null."""
        value = self._left.pop(name, None)
        if value is None:
            return []
        items = cast("list[Any]", value) if isinstance(value, list) else [value]
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in items):
            self.malformed(name, "Must be a list of objects.")
            return []
        made = [
            Cursor(cast("dict[str, Any]", item), f"{self._path}.{name}[{place}]", self._findings)
            for place, item in enumerate(items)
        ]
        self._items += made
        return made

    def mark[T](self, name: str, known: Mapping[str, T], default: T) -> T:
        """Take a word, and return its entry in `known`. An unknown word stays unread."""
        value = self._left.pop(name, None)
        if value is None or value == "":
            return default
        if isinstance(value, str) and value.lower() in known:
            return known[value.lower()]
        self.unread(name, "Not a value that this format knows; it may change the price.")
        return default

    def flag(self, name: str) -> bool:
        """Take a boolean, false if it is missing or null."""
        value = self._left.pop(name, None)
        if value is not None and type(value) is not bool:
            self.unread(name, "Must be true or false.")
        return value is True

    def total(self, name: str, *allowed: int) -> None:
        """Take a total, which must be one of the allowed sums of its parts, if it is set."""
        if self.has(name) and (stated := self.count(name)) not in allowed:
            self.unread(name, f"Is {stated}, and the parts that are known add up to {allowed[0]}.")

    def sum(self) -> int:
        """Return the sum of the whole numbers in this object that nothing has taken yet."""
        values = (integral(value) for value in self._left.values())
        return sum(value for value in values if type(value) is int)

    def repeats(self, name: str, count: int) -> None:
        """Take a field that may only repeat a count, if it is set and not 0."""
        stated = self.count(name)
        if stated not in {0, count}:
            self.unread(name, f"Is {stated}, and the same count elsewhere is {count}.")

    def part(self, name: str, whole: int, of: str) -> int:
        """Take a part of a count. One that is above its whole leaves the object unread."""
        count = self.count(name)
        if count > whole:
            self.unread(name, f"Must not be above {of}, which includes it.")
            return 0
        return count

    def nothing(self, *names: str) -> None:
        """Take numbers and words that a review found to cost nothing. What is inside an object or a
        list is not covered.
        """
        for name in names:
            if not isinstance(self._left.get(name), dict | list):
                self._left.pop(name, None)

    def unread(self, name: str, why: str) -> None:
        """Note that a field stays unread."""
        self._note(self._findings.unread, name, why)

    def malformed(self, name: str, why: str) -> None:
        """Note that a field has a value that no counter can have."""
        self._note(self._findings.malformed, name, why)

    def finish(self) -> None:
        """Note every field that nothing took, unless it is empty, zero or false."""
        for inner in (*self._inner.values(), *self._items):
            inner.finish()
        for name, value in self._left.items():
            for path in _said(name, value):
                self.unread(path, UNKNOWN)

    def _whole(self, name: str, value: object) -> int:
        value = integral(value)
        if type(value) is not int or not 0 <= value <= MAX_TOKENS:
            self.malformed(name, f"Must be a whole number from 0 to {MAX_TOKENS}.")
            return 0
        return value

    def _note(self, problems: list[Problem], name: str, why: str) -> None:
        problem = Problem(f"{self._path}.{name}", why)
        if problem not in problems:
            problems.append(problem)


def agreed(*places: tuple[Cursor, str]) -> int:
    """Take one count from all the places that may state it. Those that differ, other than 0, stay
    unread.
    """
    stated = [(cursor, name, cursor.count(name)) for cursor, name in places]
    found = [each for each in stated if each[2]]
    for cursor, name, count in found[1:]:
        if count != found[0][2]:
            cursor.unread(name, f"Is {count}, and {found[0][1]} is {found[0][2]}.")
    return found[0][2] if found else 0


def _said(path: str, value: object) -> Iterator[str]:
    """Return the path of each leaf that says something: not null, 0, false, or empty."""
    if isinstance(value, dict):
        for name, inner in cast("dict[str, object]", value).items():
            yield from _said(f"{path}.{name}", inner)
    elif isinstance(value, list):
        for place, inner in enumerate(cast("list[object]", value)):
            yield from _said(f"{path}[{place}]", inner)
    elif value:
        yield path
