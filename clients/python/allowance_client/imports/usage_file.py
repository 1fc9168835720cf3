"""A file of calls, read twice: once to find every problem, and then again for its records."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from allowance_client.imports.files import ImportFile
from allowance_client.imports.formats import USAGE, require_format
from allowance_client.imports.problems import Findings, ImportRefused
from allowance_client.imports.rows import ImportOptions, UsageRow


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """What the first reading found. With a refusal, nothing of the file is imported.

    `left_out` counts by reason what is in the file and is no record.
    """

    rows: int
    refusal: ImportRefused | None
    left_out: Mapping[str, int]


class UsageFile:
    """The records of a file in one of the formats of USAGE."""

    def __init__(self, stream: BinaryIO, name: str, options: ImportOptions) -> None:
        self._file = ImportFile(stream)
        self._name = name
        self._options = options

    def check(self, advance: Callable[[int], object] = lambda _: None) -> CheckedFile:
        """Read the whole file, and return what was found. `advance` counts the rows."""
        findings, rows = Findings(), 0
        try:
            require_format(self._file, self._name)
            with findings.all_of_them():
                for _ in USAGE[self._name](self._file, self._options, findings):
                    rows += 1
                    advance(1)
        except ImportRefused as error:
            return CheckedFile(rows, error, findings.left_out)
        return CheckedFile(rows, None, findings.left_out)

    def rows(self) -> Iterator[UsageRow]:
        """Yield the records. Raise ImportRefused if the file has changed and is not understood."""
        findings = Findings()
        with findings.all_of_them():
            yield from USAGE[self._name](self._file, self._options, findings)
