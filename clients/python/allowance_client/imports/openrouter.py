"""OpenRouter's activity: the CSV of generations from openrouter.ai/activity, one call a line.

Shape: the columns of the export of November 2026. Times are in UTC, tokens are the vendor's own.
A variant is a model of its own: `free` costs nothing, so `openai/gpt-oss-120b:free` has its own
rows.
"""

from collections.abc import Iterator

from allowance_client.imports.fields import Fields
from allowance_client.imports.files import ImportFile
from allowance_client.imports.problems import Findings
from allowance_client.imports.rows import ImportOptions, VendorDays, VendorRow

VENDOR = "openrouter"

REQUIRED = (
    "generation_id",
    "created_at",
    "cost_total",
    "tokens_prompt",
    "tokens_completion",
    "model_permaslug",
    "variant",
)
KNOWN = frozenset(
    {
        *REQUIRED,
        "cost_web_search",
        "cost_cache",
        "cost_file_processing",
        "byok_usage_inference",
        "tokens_reasoning",
        "tokens_cached",
        "provider_name",
        "cancelled",
        "streamed",
        "user",
        "finish_reason_raw",
        "finish_reason_normalized",
        "generation_time_ms",
        "time_to_first_token_ms",
        "api_key_disabled",
        "api_key_name",
        "app_name",
    }
)
"""The costs of searches, of the cache and of files are parts of the total, and reasoning is a part
of the completion.
"""

OWN_KEY = "costs of calls with a key of one's own, which another vendor bills"


def read_openrouter(
    file: ImportFile, options: ImportOptions, findings: Findings
) -> Iterator[VendorRow]:
    """Yield the sums of each model, with its variant, and day. Problems are in `findings`."""
    days = VendorDays()
    seen: set[int] = set()
    for place, cells in file.table(REQUIRED):
        fields = Fields(cells, place, findings)
        fields.require_known(KNOWN)
        # The first bytes of the id are its digest here: a million ids as texts need 100 MB.
        generation = hash(fields.name("generation_id"))
        if generation in seen:
            fields.refuse("generation_id", "the same generation is there twice")
        seen.add(generation)
        row = _row(fields, options, findings)
        if row is not None and fields.is_understood:
            days.add(row)
    return days.rows(options, findings)


def _row(fields: Fields, options: ImportOptions, findings: Findings) -> VendorRow | None:
    time = fields.time("created_at", in_utc=True)
    prompt, cached = fields.count("tokens_prompt"), fields.count("tokens_cached")
    if cached > prompt:
        fields.refuse("tokens_cached", "is more than tokens_prompt")
    if (own := fields.usd("byok_usage_inference")) is not None and own != 0:
        findings.leave_out(OWN_KEY)
    cost = fields.usd("cost_total")
    if cost is None:
        fields.refuse("cost_total", "required, an amount of US dollars")
    if time is None:
        return None
    tokens = {
        "input": prompt - cached,
        "cache_read": cached,
        "output": fields.count("tokens_completion"),
    }
    model, variant = fields.name("model_permaslug"), fields.optional_name("variant")
    # "standard" is OpenRouter's word for no variant.
    if variant not in (None, "standard") and not model.endswith(f":{variant}"):
        model = f"{model}:{variant}"
    return VendorRow(VENDOR, options.account or None, model, time.date(), tokens, 1, cost)
