"""ExportSpend: write each organization's charges of a month to S3, in FOCUS, as CSV and
Parquet.
"""

from typing import Any

from allowance.exports.job import ExportCounts, export
from allowance.exports.store import ExportSource
from allowance.rbac.system import SPEND_EXPORTER
from allowance.triggers.jobs import job
from allowance_parquet.parquet_file import ParquetFile


@job(SPEND_EXPORTER, ExportSource)
def handler(source: ExportSource, event: dict[str, Any]) -> ExportCounts:
    return export(source, ParquetFile, event)
