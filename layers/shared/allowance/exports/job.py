"""ExportSpend's work: write each organization's month to S3, in FOCUS, as CSV and Parquet.

`PREFIX/focus/FORMAT/organization=ID/billing_period=2026-11/allowance.EXTENSION`. A run replaces the
whole object by the month's current charges.
"""

import gzip
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from typing import IO, Any, Protocol, cast
from uuid import UUID

from allowance.aws.s3 import s3_object
from allowance.budgets.effective import Period, period_containing
from allowance.contract.fields import Row
from allowance.errors import ExportFailed, Problem, ValidationFailed
from allowance.exports.focus import COLUMNS, position_of_charge
from allowance.exports.settings import ExportTarget, FileFormat, export_target
from allowance.exports.spend_csv import month_of
from allowance.exports.store import ExportSource
from allowance.log import logger
from allowance.tables import csv as csv_file
from allowance.tables.columns import Cell, Kind, cells_of

LATE_DAYS = 5
"""During these first days of a month, the month before is written too: usage may be recorded late,
or rated again.
"""

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
    """The objects and rows that a run wrote."""

    objects: int
    rows: int


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


def export(source: ExportSource, parquet: OpenTable, event: dict[str, Any]) -> ExportCounts:
    """Write the month of the event (`{"month": "2026-11"}`), or else the months of `months_at`.
    Return the counts.

    The failure of one organization stops no other; ExportFailed is raised at the end. Raise
    ValidationFailed for another month, and BadSetting.
    """
    periods = _periods(source, event)
    target = export_target()
    writers: Mapping[FileFormat, OpenTable] = {"csv": CsvFile, "parquet": parquet}
    objects = rows = failures = 0
    for period in periods:
        for organization_id in source.list_organizations(period):
            try:
                rows += _write(source, target, writers, organization_id, period)
            except Exception:  # noqa: BLE001 - write the others, and fail at the end
                failures += 1
                month = f"{period.start:%Y-%m}"
                logger().exception("export", organization_id=str(organization_id), month=month)
            else:
                objects += len(target.formats)
    if failures:
        raise ExportFailed(failures)
    return ExportCounts(objects=objects, rows=rows)


def _periods(source: ExportSource, event: dict[str, Any]) -> list[Period]:
    if (month := event.get("month")) is not None:
        try:
            return [month_of(str(month))]
        except ValueError as error:
            raise ValidationFailed([Problem("month", str(error))]) from error
    return months_at(source.now())


def months_at(now: datetime) -> list[Period]:
    """Return the current month, and before it the last month in the first LATE_DAYS days."""
    current = period_containing(now)
    if now - current.start >= timedelta(days=LATE_DAYS):
        return [current]
    return [period_containing(current.start - timedelta(days=1)), current]


def _write(
    source: ExportSource,
    target: ExportTarget,
    writers: Mapping[FileFormat, OpenTable],
    organization_id: UUID,
    period: Period,
) -> int:
    """Write one organization's month in every format, in one pass. Return the number of rows."""
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
