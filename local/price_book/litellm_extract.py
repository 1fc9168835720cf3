"""Reduce LiteLLM's map of prices to what the price book reads: `make litellm-prices`.

The map comes out of the wheel of a pinned release as data. The package is never installed or
imported: releases of it were compromised. `litellm.txt` pins the wheel by its SHA-256.
"""

import json
import re
import sys
import zipfile
from collections.abc import Iterator, Mapping
from decimal import Context, Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

from local.price_book.litellm_map import FIELDS, FILE, digest
from local.price_book.statement import Key

MEMBER = "litellm/model_prices_and_context_window_backup.json"
LICENCE = "MIT"

PROVIDERS = {
    "anthropic": "anthropic",
    "azure": "azure",
    "azure_ai": "azure",
    "baseten": "baseten",
    "bedrock": "bedrock",
    "bedrock_converse": "bedrock",
    "cerebras": "cerebras",
    "cloudflare": "cloudflare",
    "dashscope": "alibaba",
    "databricks": "databricks",
    "deepinfra": "deepinfra",
    "deepseek": "deepseek",
    "fireworks_ai": "fireworks",
    "gemini": "google",
    "github_copilot": "copilot",
    "groq": "groq",
    "minimax": "minimax",
    "mistral": "mistral",
    "moonshot": "moonshotai",
    "nebius": "nebius",
    "novita": "novita",
    "openai": "openai",
    "ovhcloud": "ovhcloud",
    "sambanova": "sambanova",
    "together_ai": "together",
    "vercel_ai_gateway": "vercel",
    "vertex_ai": "google-vertex",
    "voyage": "voyageai",
    "xai": "x-ai",
    "zai": "zai",
}
"""The price book's provider by LiteLLM's. Rows of other providers are not read."""

MODES = {"chat", "completion", "embedding", "responses"}
SIGNIFICANT = Context(prec=10)
"""LiteLLM writes floats: 8.000000000000001e-07 is 8e-07."""

REGION = r"us-gov|us|eu|apac"
NAMES = {
    "azure": re.compile(rf"(?:(?:{REGION}|global|global-standard)/)?[^/]+"),
    "bedrock": re.compile(r"(?:[a-z]{2}(?:-gov)?-[a-z]+-\d/)?[^/]+\.[^/]+"),
}
"""The names of rows by the token. Others are of images, terms of commitment, or other endpoints."""

TIER = re.compile(r"_above_(\d+)k_tokens$")
TYPED = ("_batches", "_flex", "_priority", "_ultrafast", "_balanced", "_decisions")
UPLIFT = "regional_endpoint_uplift_multiplier"

type Row = list[Any]
"""Provider, model, the five prices in USD per one million tokens, and tiers by tokens to exceed."""


def extract(archive: bytes, name: str) -> str:
    """Return the document of the rows in a wheel. Raise PriceBookRefused for an ambiguous one."""
    with zipfile.ZipFile(Path(name)) as wheel:
        content = wheel.read(MEMBER)
    rows = sorted(_rows(json.loads(content, parse_float=Decimal)), key=lambda row: row[:2])
    lines = [json.dumps(row, separators=(",", ":"), default=float) for row in rows]
    about = {
        "source": "litellm",
        "version": Path(name).name.split("-")[1],
        "licence": LICENCE,
        "archive": Path(name).name,
        "archive_sha256": sha256(archive).hexdigest(),
        "member": MEMBER,
        "member_sha256": sha256(content).hexdigest(),
        "rows_sha256": digest(lines),
    }
    head = [f"{json.dumps(key)}: {json.dumps(value)}," for key, value in about.items()]
    body = [*(f"{line}," for line in lines[:-1]), *lines[-1:]]
    return "\n".join(["{", *head, '"rows": [', *body, "]", "}"]) + "\n"


def _rows(data: Mapping[str, Mapping[str, Any]]) -> Iterator[Row]:
    found: dict[Key, Row] = {}
    for listed, stated in data.items():
        key = _key(listed, str(stated.get("litellm_provider")))
        if key is None or stated.get("mode") not in MODES or _is_priced_otherwise(stated):
            continue
        prices, tiers = _prices(stated, ""), _tiers(stated)
        if any(prices):
            row: Row = [*key, prices, *([tiers] if tiers else [])]
            if found.setdefault(key, row) != row:
                found[key] = [*key, []]
            if factor := stated.get(UPLIFT):
                raised = [
                    *("google", f"regional/{key[1]}"),
                    _times(prices, factor),
                    *([{at: _times(each, factor) for at, each in tiers.items()}] if tiers else []),
                ]
                found["google", f"regional/{key[1]}"] = raised
    # Two rows of one name with other prices say nothing.
    yield from (row for row in found.values() if row[2])


def _key(listed: str, their: str) -> Key | None:
    their = "vertex_ai" if their.startswith("vertex_ai-") else their
    provider = PROVIDERS.get(their)
    if provider is None:
        return None
    prefix = "bedrock/" if provider == "bedrock" else f"{their}/"
    name = listed.removeprefix(prefix)
    pattern = NAMES.get(provider)
    return (provider, name) if pattern is None or pattern.fullmatch(name) else None


def _is_priced_otherwise(stated: Mapping[str, Any]) -> bool:
    """Return whether other units, or reasoning apart, make the five prices incomplete."""
    reasoning = stated.get("output_cost_per_reasoning_token")
    return "tiered_pricing" in stated or (
        reasoning is not None and reasoning != stated.get("output_cost_per_token")
    )


def _prices(stated: Mapping[str, Any], suffix: str) -> list[Decimal | None]:
    return [_usd(stated.get(f"{name}{suffix}")) for name in FIELDS.values()]


def _tiers(stated: Mapping[str, Any]) -> dict[str, list[Decimal | None]]:
    suffixes = {match[0] for name in stated if (match := TIER.search(name))}
    return {
        str(1000 * int(suffix.split("_")[2].removesuffix("k"))): prices
        for suffix in sorted(suffixes)
        if any(prices := _prices(stated, suffix))
    }


def _usd(per_token: Any) -> Decimal | None:
    """Return USD per one million tokens. A zero marks a class that the model lacks."""
    return SIGNIFICANT.create_decimal(Decimal(per_token) * 10**6).normalize() if per_token else None


def _times(prices: list[Decimal | None], factor: Decimal) -> list[Decimal | None]:
    return [price and (price * factor).normalize() for price in prices]


if __name__ == "__main__":
    FILE.write_text(extract(Path(sys.argv[1]).read_bytes(), sys.argv[1]))
