"""A file that a job imports: its records in batches, and the document that tells what became of it.

The job runs in a Lambda, and knows nothing of formats.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from allowance_client.imports.batches import batches
from allowance_client.imports.formats import SOURCES, USAGE, VENDORS
from allowance_client.imports.outcomes import Outcome
from allowance_client.imports.problems import ImportRefused, refused
from allowance_client.imports.rows import ImportOptions, UsageRow
from allowance_client.imports.usage_file import CheckedFile, UsageFile


class ScheduledFile:
    """A file in the format that its folder names. `identity_of` gives the fields of a source that
    name the user, best first; none for the default of the format.
    """

    def __init__(
        self, stream: BinaryIO, name: str, identity_of: Callable[[str], Sequence[str]]
    ) -> None:
        self._stream = stream
        self._name = name
        self._identity_of = identity_of
        self._outcome = Outcome()
        self._checked = CheckedFile(0, None, {})
        self._sent: list[UsageRow] = []

    @property
    def _file(self) -> UsageFile:
        source = SOURCES[self._name]
        return UsageFile(
            self._stream,
            self._name,
            ImportOptions(source=source, identity=tuple(self._identity_of(source))),
        )

    def check(self) -> bool:
        """Read the whole file, and return whether every row is understood."""
        if self._name in USAGE:
            self._checked = self._file.check()
        else:
            self._checked = CheckedFile(0, _unknown(self._name), {})
        return self._checked.refusal is None

    def batches(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the records, at most a thousand at once. The results of each follow by `add`."""
        for batch in batches(self._file.rows(), lambda row: row.record):
            self._sent = batch
            yield [each.record for each in batch]

    def add(self, results: Sequence[Mapping[str, Any]]) -> None:
        """Add the results of the last batch, in its order."""
        self._outcome.add(self._sent, results)

    def document(self) -> dict[str, Any]:
        """Return what became of the file. `status` is refused, recorded, or incomplete if the
        service refused some of its records.
        """
        refusal = self._checked.refusal
        document: dict[str, Any] = {"format": self._name}
        if refusal is not None:
            return {
                **document,
                "status": "refused",
                "problems": [str(each) for each in refusal.problems],
                "total_problems": refusal.total,
            }
        status = "recorded" if self._outcome.is_complete else "incomplete"
        left_out = dict(self._checked.left_out)
        return {**document, "status": status, **self._outcome.document(), "left_out": left_out}


def _unknown(name: str) -> ImportRefused:
    if name in VENDORS:
        reason = "is a report of a vendor, which `allowance import` sends for reconciliation"
    else:
        reason = f"is no format of a log. Use one of {', '.join(sorted(USAGE))}"
    return refused(f"The first folder, {name!r}, {reason}.")
