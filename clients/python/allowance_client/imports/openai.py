"""OpenAI's usage and costs: JSON pages of the organization's API, and the console's CSV.

Shape: "Usage" and "Costs" of the Administration API (`organization.usage.completions.result`,
`organization.usage.embeddings.result`, `organization.costs.result`), read in November 2026. The
console's CSV of completions has the same columns. Buckets are in UTC.
"""

from collections.abc import Iterator
from datetime import datetime

from allowance_client.imports.fields import Fields, within_a_day
from allowance_client.imports.files import ImportFile
from allowance_client.imports.pages import Buckets
from allowance_client.imports.problems import Findings
from allowance_client.imports.rows import ImportOptions, VendorDays, VendorRow
from allowance_client.imports.values import unix_time_of

VENDOR = "openai"

USAGE = ("organization.usage.completions.result", "organization.usage.embeddings.result")
COSTS = "organization.costs.result"

DIMENSIONS = (
    "project_id",
    "user_id",
    "api_key_id",
    "model",
    "batch",
    "service_tier",
    "line_item",
    "api_source",
)
PARTS = (
    "input_cached_tokens",
    "input_cache_write_tokens",
    "input_audio_tokens",
    "input_cached_audio_tokens",
    "input_image_tokens",
    "input_cached_image_tokens",
    "output_audio_tokens",
    "output_image_tokens",
)
FOLLOWING = frozenset(
    {
        "object",
        "input_uncached_tokens",
        "input_text_tokens",
        "output_text_tokens",
        "input_cached_text_tokens",
    }
)
"""What follows from the other counts."""

KNOWN_USAGE = FOLLOWING | {
    "input_tokens",
    "output_tokens",
    "num_model_requests",
    *PARTS,
    *DIMENSIONS,
}
NAMES = frozenset({"project_name", "user_name", "user_email", "api_key_name", "organization_name"})
TIMES = ("start_time", "end_time", "start_time_iso", "end_time_iso")
COLUMNS = ("start_time", "end_time", "input_tokens", "output_tokens", "num_model_requests")

KNOWN_COST = frozenset({"object", "amount", "quantity", *DIMENSIONS, *NAMES, "organization_id"})
PAGE = frozenset({"object", "data", "has_more", "next_page"})

KINDS = frozenset(
    {"input", "output", "cached input", "cached_input", "cache write", "audio input", "image input"}
)
"""The second word of a line item such as `gpt-5.1-2025-11-13, input`."""


def read_openai(
    file: ImportFile, options: ImportOptions, findings: Findings
) -> Iterator[VendorRow]:
    """Yield the sums of each model and day. Problems are in `findings`."""
    days = VendorDays()
    rows = _of_pages if file.beginning()[0] in "[{" else _of_table
    for row in rows(file, options, findings):
        days.add(row)
    return days.rows(options, findings)


def _of_pages(file: ImportFile, options: ImportOptions, findings: Findings) -> Iterator[VendorRow]:
    buckets = Buckets(PAGE, "start_time", "end_time", unix_time_of)
    for place, bucket in buckets.of(file):
        fields = Fields(bucket, place, findings)
        fields.require_known(frozenset({"object", "results", *TIMES}))
        start, end = fields.unix_time("start_time"), fields.unix_time("end_time")
        if not within_a_day(fields, "end_time", start, end):
            continue
        for number, result in enumerate(bucket["results"], 1):
            inside = Fields(result, f"{place}, result {number}", findings)
            row = _row(inside, options, start)
            if row is not None and inside.is_understood:
                yield row


def _row(fields: Fields, options: ImportOptions, start: datetime | None) -> VendorRow | None:
    kind = fields.get("object")
    if start is None:
        return None
    if kind in USAGE:
        fields.require_known(KNOWN_USAGE | NAMES)
        return _usage(fields, options, start)
    if kind == COSTS:
        fields.require_known(KNOWN_COST)
        return _cost(fields, options, start)
    fields.refuse("object", f"must be one of {', '.join((*USAGE, COSTS))}")
    return None


def _of_table(file: ImportFile, options: ImportOptions, findings: Findings) -> Iterator[VendorRow]:
    seen: set[int] = set()
    for place, cells in file.table(COLUMNS):
        fields = Fields(cells, place, findings)
        fields.require_known(KNOWN_USAGE | NAMES | {*TIMES})
        start, end = fields.unix_time("start_time"), fields.unix_time("end_time")
        if not within_a_day(fields, "end_time", start, end) or start is None:
            continue
        key = hash(tuple(cells.get(name) for name in ("start_time", *DIMENSIONS)))
        if key in seen:
            fields.refuse("start_time", "the same bucket is there twice")
        seen.add(key)
        row = _usage(fields, options, start)
        if row is not None and fields.is_understood:
            yield row


def _usage(fields: Fields, options: ImportOptions, start: datetime) -> VendorRow | None:
    """Return the counts of a result; None of a bucket without any call."""
    total_in = fields.count("input_tokens", required=True)
    total_out = fields.count("output_tokens")
    part = {name: fields.count(name) for name in PARTS}
    audio, image = part["input_cached_audio_tokens"], part["input_cached_image_tokens"]
    tokens = {
        "input": total_in
        - part["input_cached_tokens"]
        - part["input_cache_write_tokens"]
        - part["input_audio_tokens"]
        - part["input_image_tokens"],
        "cache_read": part["input_cached_tokens"] - audio - image,
        "cache_write": part["input_cache_write_tokens"],
        "input_audio": part["input_audio_tokens"],
        "input_image": part["input_image_tokens"],
        "cache_read_audio": audio,
        "cache_read_image": image,
        "output": total_out - part["output_audio_tokens"] - part["output_image_tokens"],
        "output_audio": part["output_audio_tokens"],
        "output_image": part["output_image_tokens"],
    }
    if wrong := [name for name, count in tokens.items() if count < 0]:
        fields.refuse("input_tokens", f"the parts are more than the whole ({', '.join(wrong)})")
    requests, model = fields.count("num_model_requests"), fields.optional_name("model")
    if model is None and not requests and not total_in and not total_out:
        return None
    return VendorRow(VENDOR, options.account or None, model, start.date(), tokens, requests)


def _cost(fields: Fields, options: ImportOptions, start: datetime) -> VendorRow:
    amount = fields.inner("amount")
    currency = amount.get("currency")
    if not isinstance(currency, str) or currency.lower() != "usd":
        amount.refuse("currency", "must be usd")
    cost = amount.usd("value")
    if cost is None:
        amount.refuse("value", "required, an amount of US dollars")
    item = fields.optional_name("line_item")
    model = None if item is None else _model_of(item)
    return VendorRow(VENDOR, options.account or None, model, start.date(), cost=cost)


def _model_of(line_item: str) -> str:
    """Return the model of a line item that names one, else the line item itself."""
    model, comma, kind = line_item.partition(", ")
    return model if comma and kind.lower() in KINDS else line_item
