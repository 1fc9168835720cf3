"""ExportSpend: write each organization's charges of the current month, and of months that changed,
to S3, in FOCUS, as CSV and Parquet.
"""

from allowance.exports.files import ExportSource
from allowance.exports.job import ExportCounts, RequestedMonth, export, requested_month
from allowance.rbac.system import SPEND_EXPORTER
from allowance.triggers.jobs import job
from allowance_parquet.parquet_file import ParquetFile


@job(SPEND_EXPORTER, ExportSource, requested_month)
def handler(source: ExportSource, month: RequestedMonth) -> ExportCounts:
    return export(source, ParquetFile, month)
