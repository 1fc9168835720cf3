"""ExportSpend: write each organization's charges of the current month, and of months that changed,
to S3, in FOCUS, as CSV and Parquet.
"""

from typing import Any

from allowance.exports.files import ExportSource
from allowance.exports.job import ExportCounts, export
from allowance.rbac.system import SPEND_EXPORTER
from allowance.triggers.jobs import job
from allowance_parquet.parquet_file import ParquetFile


@job(SPEND_EXPORTER, ExportSource)
def handler(source: ExportSource, event: dict[str, Any]) -> ExportCounts:
    return export(source, ParquetFile, event)
