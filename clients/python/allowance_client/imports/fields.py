"""The fields of one row. A value that is not understood becomes a problem with its place and name,
so that one reading of a file finds them all.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from allowance_client.imports.problems import Findings
from allowance_client.imports.values import (
    count_of,
    day_of,
    name_of,
    object_of,
    require_recordable,
    rfc3339,
    time_of,
    unix_time_of,
    usd_of,
)

_Value = TypeVar("_Value")

COUNTED = re.compile(
    r"token|cost|spend|price|amount|usage|credit|quantity|count|unit|charge|fee|request[s_]"
    r"|seconds|image|search",
    re.IGNORECASE,
)
"""The name of a field that may change what a row costs."""

EMPTY: tuple[Any, ...] = ("", None, 0, 0.0, "0", "0.0", [], {}, False)
"""The values of a field that counts nothing."""


class Fields:
    """The fields of an object, or the cells of a row."""

    def __init__(
        self, values: Mapping[str, Any], place: str, findings: Findings, path: str = ""
    ) -> None:
        self.values = values
        self.place = place
        self.findings = findings
        self.path = path
        self._before = findings.total

    @property
    def is_understood(self) -> bool:
        """Return whether no problem was found since this began."""
        return self.findings.total == self._before

    def refuse(self, name: str, reason: str) -> None:
        """Add a problem of a field."""
        self.findings.refuse(self.place, self.path + name, reason)

    def get(self, name: str) -> Any:
        """Return the value, None if it is missing or an empty text."""
        value = self.values.get(name)
        return None if value == "" else value

    def inner(self, name: str) -> "Fields":
        """Return the fields of an object in this one; none if it is missing."""
        value = self.get(name)
        if value is not None and not isinstance(value, dict):
            self.refuse(name, "must be an object")
        return Fields(object_of(value), self.place, self.findings, f"{self.path}{name}.")

    def count(self, name: str, *, required: bool = False) -> int:
        """Return a whole number, 0 if it is missing."""
        if required and self.get(name) is None:
            self.refuse(name, "required, a whole number")
            return 0
        return self._read(name, count_of, 0)

    def usd(self, name: str) -> Decimal | None:
        """Return an amount of US dollars, None if it is missing."""
        return None if self.get(name) is None else self._read(name, usd_of, None)

    def name(self, name: str) -> str:
        """Return a required name."""
        return self._read(name, name_of, "")

    def optional_name(self, name: str) -> str | None:
        """Return a name, None if it is missing."""
        return None if self.get(name) is None else self._read(name, name_of, None)

    def time(self, name: str, *, in_utc: bool = False) -> datetime | None:
        """Return a required time; None after a problem."""
        return self._read(name, lambda value: time_of(value, in_utc=in_utc), None)

    def recordable_time(self, name: str, now: datetime, *, in_utc: bool = False) -> str:
        """Return a required time, at which usage can be recorded, as RFC 3339."""

        def reader(value: Any) -> str:
            return rfc3339(require_recordable(time_of(value, in_utc=in_utc), now))

        return self._read(name, reader, "")

    def unix_time(self, name: str) -> datetime | None:
        """Return a required time in seconds since 1970; None after a problem."""
        return self._read(name, unix_time_of, None)

    def day(self, name: str) -> date | None:
        """Return a required day; None after a problem."""
        return self._read(name, day_of, None)

    def word(self, name: str, known: frozenset[str]) -> str | None:
        """Return a word of a list, None if it is missing."""
        value = self.get(name)
        if value is not None and (not isinstance(value, str) or value not in known):
            self.refuse(name, f"must be one of {', '.join(sorted(known))}")
            return None
        return value

    def require_known(self, known: frozenset[str]) -> None:
        """Refuse each unknown field whose name says that it counts something. Name the others as
        left out.
        """
        for name in sorted(self.values.keys() - known):
            if self.values[name] in EMPTY:
                continue
            if COUNTED.search(name):
                self.refuse(name, "unknown field, which may count something")
            else:
                self.findings.leave_out(f"the field {self.path}{name}, which is not read")

    def _read(self, name: str, reader: Callable[[Any], _Value], otherwise: _Value) -> _Value:
        try:
            return reader(self.values.get(name))
        except ValueError as error:
            self.refuse(name, str(error))
            return otherwise


def within_a_day(fields: Fields, name: str, start: datetime | None, end: datetime | None) -> bool:
    """Return whether a bucket is inside of one UTC day. Refuse it otherwise."""
    if start is None or end is None:
        return False
    seconds = (end - start).total_seconds()
    begins = start.hour * 3600 + start.minute * 60 + start.second
    if not 0 < seconds <= 86_400 - begins:
        fields.refuse(name, "must be inside of one day in UTC: export by day or finer")
        return False
    return True
