"""Reduce LiteLLM's map of prices to what the price book reads: `make litellm-prices`.

The map comes out of the wheel of a pinned release as data. The package is never installed or
imported: releases of it were compromised. `litellm.txt` pins the wheel by its SHA-256.
"""

import json
import sys
import zipfile
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

from allowance.prices.seeding.litellm_rows import Row, rows_of
from local.price_book.litellm_map import FILE, digest

MEMBER = "litellm/model_prices_and_context_window_backup.json"
LICENCE = "MIT"


def extract(archive: bytes, name: str) -> str:
    """Return the document of the rows in a wheel. Raise PriceBookRefused for an ambiguous one."""
    with zipfile.ZipFile(Path(name)) as wheel:
        content = wheel.read(MEMBER)
    rows, _ = rows_of(json.loads(content, parse_float=Decimal))
    lines = [json.dumps(_listed(row), separators=(",", ":"), default=float) for row in rows]
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


def _listed(row: Row) -> list[Any]:
    """Return provider, model, the five standard prices in USD per one million tokens, and any tiers
    by the tokens to exceed.
    """
    prices, tiers = row.standard
    return [row.provider, row.model, prices, *([tiers] if tiers else [])]


if __name__ == "__main__":
    FILE.write_text(extract(Path(sys.argv[1]).read_bytes(), sys.argv[1]))
