"""The export in Coder's form: the columns of its CSV, in one file."""

import json
import re
from collections.abc import Sequence

from allowance.errors import InvalidQuery, Problem
from allowance.exports.report_period import ReportPeriod
from allowance.exports.reports import SpendDetail
from allowance.tables import csv as csv_file
from allowance.tables.columns import Column, cells_of
from allowance.tables.csv import BOM, CsvPage

MAX_DETAILS = 20_000
"""Rows of the longest file, if its names are short."""

MAX_FILE_BYTES = 5_800_000
"""The file as JSON. A Lambda's response has at most 6 MB."""

DETAIL_COLUMNS: tuple[Column[SpendDetail], ...] = (
    Column("user_id", "text", lambda each: str(each.user_id)),
    Column("username", "text", lambda each: each.username),
    Column("group_id", "text", lambda each: str(each.group_id)),
    Column("group_name", "text", lambda each: each.group_name),
    Column("organization_id", "text", lambda each: str(each.organization_id)),
    Column("organization_name", "text", lambda each: each.organization_name),
    Column("model", "text", lambda each: each.model),
    Column("provider", "text", lambda each: each.provider),
    Column("provider_name", "text", lambda each: each.provider_name),
    Column("input_tokens", "tokens", lambda each: each.input_tokens),
    Column("output_tokens", "tokens", lambda each: each.output_tokens),
    Column("cache_read_tokens", "tokens", lambda each: each.cache_read_tokens),
    Column("cache_write_tokens", "tokens", lambda each: each.cache_write_tokens),
    Column("cost_micros", "tokens", lambda each: each.cost_micros),
)


def file_of(
    rows: Sequence[SpendDetail],
    count: int,
    organization_name: str,
    period: ReportPeriod,
    *,
    with_bom: bool,
) -> CsvPage:
    """Return the file with all rows of a period. Raise InvalidQuery if it exceeds a response:
    Coder's clients know no pages, so a part would pass for the whole.
    """
    start, end = period.start, period.end
    names = [*(column.name for column in DETAIL_COLUMNS), "period_start", "period_end"]
    records = [csv_file.record(names)]
    records += (csv_file.record([*cells_of(DETAIL_COLUMNS, each), start, end]) for each in rows)
    content = "".join(records)
    if len(rows) < count or len(json.dumps(content)) > MAX_FILE_BYTES:
        raise InvalidQuery(
            [
                Problem(
                    "period_start",
                    f"All {count} rows exceed the 6 MB of a response. Name a group_id, a model or a"
                    " shorter period, or use month and format=spend, which has pages.",
                )
            ]
        )
    name = re.sub(r"[^A-Za-z0-9_.]+", "-", organization_name).strip("-") or "organization"
    return CsvPage(
        BOM * with_bom + content,
        f"ai-spend-export-{name}-{start:%Y-%m-%d}-to-{end:%Y-%m-%d}.csv",
        None,
    )
