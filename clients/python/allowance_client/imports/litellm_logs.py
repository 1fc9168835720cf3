"""LiteLLM's spend logs: rows of the table LiteLLM_SpendLogs, as JSON or CSV, or pages of
`/spend/logs`.

Shape: `model LiteLLM_SpendLogs` in litellm/proxy/schema.prisma, and `SpendLogsPayload` in
litellm/proxy/spend_tracking/spend_tracking_utils.py, of October 2026. Times without a zone are in
UTC: Prisma keeps them so.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from allowance_client.imports.fields import Fields
from allowance_client.imports.files import ImportFile
from allowance_client.imports.json_rows import json_of
from allowance_client.imports.problems import Findings, refused
from allowance_client.imports.rows import ImportOptions, UsageRow
from allowance_client.imports.usage_objects import usage_object
from allowance_client.imports.values import MAX_COST_USD, usd_text

SOURCE = "litellm"

IDENTITY = ("user",)

NOBODY = frozenset({"default_user_id", "litellm_proxy_admin"})
"""LiteLLM's users of the master key: everybody who has the key, so nobody."""

_HASH = re.compile(r"[0-9a-zA-Z_-]{1,128}", re.ASCII)

OF_METADATA = frozenset(
    {
        "user_api_key",
        "user_api_key_alias",
        "user_api_key_user_id",
        "user_api_key_user_email",
        "user_api_key_team_id",
        "user_api_key_team_alias",
        "user_api_key_org_id",
        "user_api_key_end_user_id",
        "requester_ip_address",
    }
)
"""What the metadata may name a user by."""

OF_ROW = frozenset({"user", "end_user", "api_key", "team_id", "organization_id"})
"""What a row may name a user by."""

SAME_AS = {"user_api_key_user_id": "user", "user_api_key_end_user_id": "end_user"}
"""A field of the metadata -> the column that has the same."""

REQUIRED = ("request_id", "startTime", "model", "prompt_tokens", "completion_tokens")

READ = frozenset(
    {
        *REQUIRED,
        "endTime",
        "api_key",
        "spend",
        "total_tokens",
        "custom_llm_provider",
        "user",
        "metadata",
        "cache_hit",
        "end_user",
        "status",
    }
)
COSTS_NOTHING = frozenset(
    {
        "call_type",
        "request_duration_ms",
        "completionStartTime",
        "model_id",
        "model_group",
        "api_base",
        "cache_key",
        "request_tags",
        "team_id",
        "organization_id",
        "requester_ip_address",
        "messages",
        "response",
        "session_id",
        "mcp_namespaced_tool_name",
        "agent_id",
        "proxy_server_request",
        "duration",
        "session_total_count",
        "session_llm_count",
        "session_mcp_count",
    }
)
"""What is known and is not imported. Prompts are among it."""

PAGE = frozenset({"data", "total", "page", "page_size", "total_pages", "next_cursor", "has_more"})

COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")


def read_litellm_logs(
    file: ImportFile, options: ImportOptions, findings: Findings
) -> Iterator[UsageRow]:
    """Yield the record of each call that used something. Problems are in `findings`. Raise
    ImportRefused.
    """
    options.require_identity(is_identity, findings)
    place = ""
    for place, row in _rows(file):
        fields = Fields(row, place, findings)
        fields.require_known(READ | COSTS_NOTHING)
        if _cost_nothing(fields, findings):
            continue
        record = _record(fields, options, findings)
        if fields.is_understood:
            yield UsageRow(place, record)
    if not place:
        raise refused("It has no rows.")


def _rows(file: ImportFile) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if file.beginning()[0] not in "[{":
        yield from file.table(REQUIRED)
        return
    for place, value in file.values():
        rows = value.get("data")
        if "request_id" in value or not isinstance(rows, list):
            yield place, value
            continue
        if value.keys() - PAGE:
            raise refused("Is no page of spend logs.", place)
        for number, row in enumerate(cast("list[Any]", rows), 1):
            if not isinstance(row, dict):
                raise refused("Must be a JSON object.", f"{place}, entry {number}")
            yield f"{place}, entry {number}", cast("dict[str, Any]", row)


def _cost_nothing(fields: Fields, findings: Findings) -> bool:
    """Return whether the call reached no vendor: LiteLLM's cache served it, or it failed."""
    if str(fields.get("cache_hit")).lower() == "true":
        findings.leave_out("calls that LiteLLM served from its cache")
        return True
    used = [fields.get(name) for name in (*COUNTS, "spend")]
    is_unused = all(each in (None, 0, 0.0, "0", "0.0") for each in used)
    if fields.get("status") == "failure" and is_unused:
        findings.leave_out("calls that failed and used nothing")
        return True
    return False


def _record(fields: Fields, options: ImportOptions, findings: Findings) -> dict[str, Any]:
    metadata = _metadata(fields)
    if not metadata.values:
        findings.leave_out("cached tokens of rows without metadata: they count as input")
    provider = fields.optional_name("custom_llm_provider") or options.provider
    if not provider:
        fields.refuse("custom_llm_provider", "required: the row names no provider")
    cost = fields.usd("spend")
    if cost is not None and not 0 <= cost <= MAX_COST_USD:
        fields.refuse("spend", f"must be from 0 to {MAX_COST_USD} US dollars")
    usage = _usage(fields, metadata)
    if cost and not any(usage.get(name) for name in COUNTS):
        # Without this, the service would take the call for one that used nothing.
        usage["response_cost"] = float(cost)
        findings.leave_out("tokens of calls that state a cost and no tokens, such as images")
    occurred_at = fields.recordable_time("startTime", options.now, in_utc=True)
    if fields.get("endTime") is not None:
        # As LiteLLM's log says it: the same call by both ways is then the same record.
        occurred_at = fields.recordable_time("endTime", options.now, in_utc=True)
    record: dict[str, Any] = {
        "source": options.source or SOURCE,
        "id": fields.name("request_id"),
        "user": _user(fields, metadata, options.identity or IDENTITY),
        "provider": provider,
        "model": fields.name("model").removeprefix(f"{provider}/"),
        "occurred_at": occurred_at,
        "usage_format": "litellm",
        "usage": usage,
    }
    if cost:
        # LiteLLM also writes 0 where it knows no price, which is no statement.
        record["cost_usd"] = usd_text(cost)
    return record


def _metadata(fields: Fields) -> Fields:
    """Return the metadata, which a CSV file has as JSON text."""
    value = fields.get("metadata")
    if not isinstance(value, str):
        return fields.inner("metadata")
    try:
        read = json_of(value)
    except ValueError:
        fields.refuse("metadata", "is no JSON: export the table with its metadata whole")
        read = {}
    return Fields({**fields.values, "metadata": read}, fields.place, fields.findings).inner(
        "metadata"
    )


def _usage(fields: Fields, metadata: Fields) -> dict[str, Any]:
    """Return the usage object: the counts of the row, with the details that the metadata has."""
    counts = {name: fields.count(name, required=name != "total_tokens") for name in COUNTS}
    if fields.get("total_tokens") is None:
        counts["total_tokens"] = counts["prompt_tokens"] + counts["completion_tokens"]
    inner = metadata.inner("usage_object")
    more = metadata.inner("additional_usage_values")
    whole = usage_object(inner, inner.values)
    for name in COUNTS:
        if whole.get(name) not in (None, counts[name]):
            fields.refuse(name, f"differs from metadata.usage_object.{name}")
    stated = {name: value for name, value in whole.items() if value is not None}
    return {**counts, **usage_object(more, more.values), **whole, **counts, **stated}


def is_identity(name: str) -> bool:
    """Return whether a row, or its metadata, may have this field to name a user."""
    return name in OF_ROW or name.removeprefix("metadata.") in OF_METADATA


def _user(fields: Fields, metadata: Fields, identity: tuple[str, ...]) -> str:
    """Return the first user that the row names. Without one, the key's digest, so that an owner can
    assign the usage of this key to somebody. LiteLLM's log has the same name.
    """
    for name in identity:
        if name in OF_ROW:
            found = fields.optional_name(name)
        else:
            short = name.removeprefix("metadata.")
            found = metadata.optional_name(short)
            if found is None and short in SAME_AS:
                found = fields.optional_name(SAME_AS[short])
        if found and found not in NOBODY:
            return found
    key = fields.optional_name("api_key")
    return f"litellm-key:{key if key and _HASH.fullmatch(key) else 'unknown'}"
