"""What the reading of a file finds: problems, which refuse the file, and what it leaves out."""

from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

MAX_SHOWN = 20

FILE = "file"
"""The place of a problem that concerns the whole file."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason to refuse a file: where it is, which field, and why."""

    place: str
    field: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}, {self.field}: {self.reason}" if self.field else self.whole

    @property
    def whole(self) -> str:
        return f"{self.place}: {self.reason}"


class ImportRefused(Exception):
    """The file is not understood, so nothing of it is imported.

    `problems` are the first ones, at most MAX_SHOWN, and `total` is their number.
    """

    def __init__(self, problems: Sequence[Problem], total: int) -> None:
        self.problems = tuple(problems)
        self.total = total
        more = total - len(self.problems)
        lines = [str(each) for each in self.problems]
        super().__init__("\n".join([*lines, f"and {more} more problems"] if more else lines))


def refused(reason: str, place: str = FILE, field: str = "") -> ImportRefused:
    """Return the error for a file that cannot be read any further."""
    return ImportRefused([Problem(place, field, reason)], 1)


class Findings:
    """The problems of a file so far, and what was left out of it, by reason."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.total = 0
        self.left_out: Counter[str] = Counter()

    def refuse(self, place: str, field: str, reason: str) -> None:
        """Add a problem."""
        self.total += 1
        if len(self.problems) < MAX_SHOWN:
            self.problems.append(Problem(place, field, reason))

    def leave_out(self, reason: str) -> None:
        """Count something that is in the file and is not imported."""
        self.left_out[reason] += 1

    @contextmanager
    def all_of_them(self) -> Generator[None]:
        """Raise ImportRefused at the end if there is a problem: with the rows that are not
        understood, and with what ended the reading, such as a file that is cut off.
        """
        try:
            yield
        except ImportRefused as error:
            for each in error.problems:
                self.refuse(each.place, each.field, each.reason)
        if self.total:
            raise ImportRefused(self.problems, self.total)
