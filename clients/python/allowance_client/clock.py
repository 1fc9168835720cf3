"""The time of Allowance: a clock of this machine that is off would cost usage. Pure but for now."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

TOLERANCE = timedelta(seconds=30)
"""A response has whole seconds, and takes its time: this much says nothing."""


def local_now() -> datetime:
    """Return the time of this machine."""
    return datetime.now(UTC)


class Clock:
    """Says what time it is at Allowance, by the `Date` of the last response. Threads share it."""

    def __init__(self) -> None:
        self._offset = timedelta(0)

    def learn(self, headers: Mapping[str, str]) -> None:
        """Take the time of a response that came now. `headers` have names in lower case."""
        try:
            offset = parsedate_to_datetime(headers["date"]) - local_now()
        except (KeyError, ValueError, TypeError):
            # TypeError: it has no time zone.
            return
        self._offset = offset if abs(offset) > TOLERANCE else timedelta(0)

    def local(self) -> datetime:
        """Return the time of this machine, for `text`: by then a response may have come."""
        return local_now()

    def text(self, local: datetime | None = None) -> str:
        """Return a time of this machine, now if none is stated, as a record has it."""
        return ((local or local_now()) + self._offset).isoformat()
