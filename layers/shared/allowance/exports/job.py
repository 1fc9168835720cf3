"""ExportSpend's work: write each organization's month to S3, in FOCUS, as CSV and Parquet.

`PREFIX/focus/FORMAT/organization=ID/billing_period=2026-11/allowance.EXTENSION`. A run replaces the
whole object by the month's charges.
"""

import gzip
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import IO, Any, Protocol, cast
from uuid import UUID

from pydantic import ValidationError

from allowance.aws.s3 import s3_object
from allowance.budgets.effective import Period, period_containing
from allowance.contract.fields import Body, Row
from allowance.contract.validation import as_phrases, problems_of
from allowance.errors import ExportFailed, Problem, ValidationFailed
from allowance.exports.charges import position_of_charge
from allowance.exports.files import DueFile, ExportSource
from allowance.exports.focus import COLUMNS
from allowance.exports.settings import ExportTarget, FileFormat, export_target
from allowance.log import logger
from allowance.spend.periods import month_of
from allowance.tables import csv as csv_file
from allowance.tables.columns import Cell, Kind, cells_of

WRITING_SECONDS = 600
"""A run begins no file after this time. The rest of the function's timeout is for the last file."""

EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
"""The ledger has no usage before."""

EXTENSIONS: Mapping[FileFormat, str] = {"csv": "csv.gz", "parquet": "parquet"}
CONTENT_TYPES: Mapping[FileFormat, str] = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}


class TableFile(Protocol):
    """A file that a table is written to."""

    def write(self, rows: Sequence[Sequence[Cell]]) -> None:
        """Append rows."""
        ...

    def close(self) -> None:
        """Complete the file."""
        ...


type OpenTable = Callable[[IO[bytes], Iterable[tuple[str, Kind]]], TableFile]


class ExportCounts(Row):
    """The objects and rows that a run wrote, and the files that it left for the next run."""

    objects: int
    rows: int
    left: int


class CsvFile:
    """A table as gzipped CSV. The same rows result in the same bytes."""

    def __init__(self, sink: IO[bytes], columns: Iterable[tuple[str, Kind]]) -> None:
        self._file = gzip.GzipFile(filename="", mode="wb", fileobj=sink, mtime=0)
        self.write([[name for name, _ in columns]])

    def write(self, rows: Sequence[Sequence[Cell]]) -> None:
        """Append rows."""
        self._file.write("".join(map(csv_file.record, rows)).encode())

    def close(self) -> None:
        """Complete the file."""
        self._file.close()


class ExportRequest(Body):
    """What an operator may ask for: all files of a month, `2026-11`."""

    month: str | None = None


type RequestedMonth = Period | None


def requested_month(parameters: Mapping[str, Any]) -> RequestedMonth:
    """Return the month of `{"month": "2026-11"}`, None without one. Raise ValidationFailed."""
    try:
        month = ExportRequest.model_validate(parameters).month
    except ValidationError as error:
        raise ValidationFailed(as_phrases(problems_of(error, ExportRequest))) from error
    try:
        return None if month is None else month_of(month)
    except ValueError as error:
        raise ValidationFailed([Problem("month", str(error))]) from error


def export(source: ExportSource, parquet: OpenTable, requested: RequestedMonth) -> ExportCounts:
    """Write the files that are due: those of the current month, and of earlier months that changed
    since they were written. With a requested month, all files of that one. Return the counts.

    A run begins no file after WRITING_SECONDS, and the next run begins with those that are left.
    The failure of one file stops no other; ExportFailed is raised at the end. Raise BadSetting.
    """
    target = export_target()
    until = time.monotonic() + WRITING_SECONDS
    started = source.start(requested)
    everything = [requested] if requested else _older_and_current(started)
    # In turns, so that many corrections do not delay the current month, nor the other way round.
    turns = deque(everything)
    written = rows = failures = 0
    while turns and time.monotonic() < until:
        months = turns.popleft()
        claimed = source.claim(started, months)
        if claimed:
            turns.append(months)
        for place, file in enumerate(claimed):
            if time.monotonic() > until:
                source.release(claimed[place:])
                break
            try:
                rows += _write(source, target, parquet, file)
                source.mark(file)
            except Exception:  # noqa: BLE001 - write the others, and fail at the end
                failures += 1
                month = f"{file.month:%Y-%m}"
                logger().exception("export", organization_id=str(file.organization_id), month=month)
                source.fail(file)
            else:
                written += 1
    left = sum(source.count_left(started, months) for months in everything)
    if left:
        logger().warning("exports left", files=left)
    if failures:
        raise ExportFailed(
            f"{failures} exports failed; the log names the organizations, months and reasons."
        )
    return ExportCounts(objects=written * len(target.formats), rows=rows, left=left)


def _older_and_current(now: datetime) -> list[Period]:
    current = period_containing(now)
    return [Period(EARLIEST, current.start), current]


def _write(source: ExportSource, target: ExportTarget, parquet: OpenTable, file: DueFile) -> int:
    """Write one organization's month in every format, in one pass. Return the number of rows."""
    writers: Mapping[FileFormat, OpenTable] = {"csv": CsvFile, "parquet": parquet}
    organization_id, period = file.organization_id, file.period
    written, after = 0, None
    with ExitStack() as stack:
        files = [
            stack.enter_context(_table(target, form, writers[form], organization_id, period))
            for form in target.formats
        ]
        while page := source.list_charges(organization_id, period, after):
            rows = [cells_of(COLUMNS, charge) for charge in page]
            for each in files:
                each.write(rows)
            written, after = written + len(page), position_of_charge(page[-1])
    return written


@contextmanager
def _table(
    target: ExportTarget, form: FileFormat, writer: OpenTable, organization_id: UUID, period: Period
) -> Generator[TableFile]:
    place = f"organization={organization_id}/billing_period={period.start:%Y-%m}"
    folder = f"{target.prefix}focus/{form}/{place}"
    properties = {"ContentType": CONTENT_TYPES[form]} | target.encryption
    with s3_object(target.bucket, f"{folder}/allowance.{EXTENSIONS[form]}", properties) as sink:
        table = writer(cast("IO[bytes]", sink), [(column.name, column.kind) for column in COLUMNS])
        yield table
        table.close()
