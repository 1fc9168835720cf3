"""Anthropic's usage and cost reports: JSON pages of the Admin API, and the console's CSV of usage.

Shape: `/v1/organizations/usage_report/messages` and `/v1/organizations/cost_report`, read in
November 2026. Amounts are decimal texts in cents: "123.45" is $1.2345. Buckets are in UTC.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from allowance_client.imports.fields import Fields, within_a_day
from allowance_client.imports.files import ImportFile
from allowance_client.imports.pages import Buckets
from allowance_client.imports.problems import Findings
from allowance_client.imports.rows import ImportOptions, VendorDays, VendorRow
from allowance_client.imports.values import EXACT, time_of

VENDOR = "anthropic"

CENTS = Decimal(100)

PAGE = frozenset({"data", "has_more", "next_page"})
BUCKET = frozenset({"starting_at", "ending_at", "results"})
DIMENSIONS = frozenset(
    {
        "account_id",
        "api_key_id",
        "context_window",
        "inference_geo",
        "model",
        "service_account_id",
        "service_tier",
        "speed",
        "workspace_id",
    }
)
USAGE = DIMENSIONS | {
    "uncached_input_tokens",
    "cache_read_input_tokens",
    "cache_creation",
    "output_tokens",
    "server_tool_use",
}
COST = DIMENSIONS | {"amount", "currency", "cost_type", "description", "token_type"}

COLUMNS = (
    "usage_date_utc",
    "model_version",
    "usage_input_tokens_no_cache",
    "usage_input_tokens_cache_write_5m",
    "usage_input_tokens_cache_write_1h",
    "usage_input_tokens_cache_read",
    "usage_output_tokens",
)
OTHER_COLUMNS = frozenset(
    {"api_key", "workspace", "usage_type", "context_window", "inference_geo", "speed"}
)
SEARCHES = "web searches, which a row for reconciliation has not"


def read_anthropic(
    file: ImportFile, options: ImportOptions, findings: Findings
) -> Iterator[VendorRow]:
    """Yield the sums of each model and day. Problems are in `findings`."""
    days = VendorDays()
    rows = _of_pages if file.beginning()[0] in "[{" else _of_table
    for row in rows(file, options, findings):
        days.add(row)
    return days.rows(options, findings)


def _of_pages(file: ImportFile, options: ImportOptions, findings: Findings) -> Iterator[VendorRow]:
    buckets = Buckets(PAGE, "starting_at", "ending_at", time_of)
    for place, bucket in buckets.of(file):
        fields = Fields(bucket, place, findings)
        fields.require_known(BUCKET)
        start, end = fields.time("starting_at"), fields.time("ending_at")
        if not within_a_day(fields, "ending_at", start, end) or start is None:
            continue
        for number, result in enumerate(bucket["results"], 1):
            inside = Fields(result, f"{place}, result {number}", findings)
            row = (_cost if "amount" in result else _usage)(inside, options, start)
            if inside.is_understood:
                yield row


def _usage(fields: Fields, options: ImportOptions, start: datetime) -> VendorRow:
    fields.require_known(USAGE)
    written, tools = fields.inner("cache_creation"), fields.inner("server_tool_use")
    written.require_known(frozenset({"ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"}))
    tools.require_known(frozenset({"web_search_requests"}))
    if tools.count("web_search_requests"):
        fields.findings.leave_out(SEARCHES)
    tokens = {
        "input": fields.count("uncached_input_tokens", required=True),
        "output": fields.count("output_tokens", required=True),
        "cache_read": fields.count("cache_read_input_tokens"),
        "cache_write": written.count("ephemeral_5m_input_tokens"),
        "cache_write_1h": written.count("ephemeral_1h_input_tokens"),
    }
    model = fields.optional_name("model")
    return VendorRow(VENDOR, options.account or None, model, start.date(), tokens)


def _cost(fields: Fields, options: ImportOptions, start: datetime) -> VendorRow:
    fields.require_known(COST)
    if fields.get("currency") != "USD":
        fields.refuse("currency", "must be USD")
    if not isinstance(fields.get("amount"), str):
        fields.refuse("amount", 'must be a decimal text in cents, like "123.45"')
    cents = fields.usd("amount") or Decimal(0)
    model = fields.optional_name("model")
    cost = EXACT.divide(cents, CENTS)
    return VendorRow(VENDOR, options.account or None, model, start.date(), cost=cost)


def _of_table(file: ImportFile, options: ImportOptions, findings: Findings) -> Iterator[VendorRow]:
    seen: set[int] = set()
    for place, cells in file.table(COLUMNS):
        fields = Fields(cells, place, findings)
        fields.require_known(OTHER_COLUMNS | {*COLUMNS, "web_search_count"})
        day = fields.day("usage_date_utc")
        if fields.count("web_search_count"):
            findings.leave_out(SEARCHES)
        key = hash(tuple(cells.get(name) for name in (*COLUMNS[:2], *sorted(OTHER_COLUMNS))))
        if key in seen:
            fields.refuse("usage_date_utc", "the same row is there twice")
        seen.add(key)
        tokens = {
            "input": fields.count("usage_input_tokens_no_cache"),
            "output": fields.count("usage_output_tokens"),
            "cache_read": fields.count("usage_input_tokens_cache_read"),
            "cache_write": fields.count("usage_input_tokens_cache_write_5m"),
            "cache_write_1h": fields.count("usage_input_tokens_cache_write_1h"),
        }
        model = fields.optional_name("model_version")
        if day is not None and fields.is_understood:
            yield VendorRow(VENDOR, options.account or None, model, day, tokens)
