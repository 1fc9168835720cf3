"""The content of a record: what makes a retry the same record, and which objects can be kept. Pure.

The digest is of the canonical JSON of what was sent, before any reader. So a better reader of usage
objects makes no conflict. Canonical: keys in order, no spaces, ASCII, times in UTC with six digits
of microseconds. A class without tokens is left out, as a null at the top is.
"""

import json
from hashlib import sha256
from typing import Any

from allowance.prices.terms import Variant

MAX_OBJECT_BYTES = 16_384
MAX_OBJECT_DEPTH = 8
NUMBER_BOUND = 10**40
"""Every number in an object is below, and above its negative: so any database can keep it."""


def canonical_json(value: object) -> str:
    """Return JSON with keys in order, without spaces, in ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def content_sha256_of(fields: dict[str, Any]) -> bytes:
    """Return the SHA-256 of the canonical JSON of a record without `source` and `id`.

    Do not change this: `ai_usage_keys` keeps the digests forever.
    """
    return sha256(canonical_json(fields).encode()).digest()


def plain_content_sha256_of(
    user: str,
    provider: str,
    model: str,
    variant: Variant | None,
    time: str,
    tokens: tuple[int, int, int, int, int],
) -> bytes:
    """Like `content_sha256_of`, in a fifth of the time, for names that JSON need not escape."""
    given, made, read, written, written_1h = tokens
    counts = (
        (f',"cache_read":{read}' if read else "")
        + (f',"cache_write":{written}' if written else "")
        + (f',"cache_write_1h":{written_1h}' if written_1h else "")
        + (f',"input":{given}' if given else "")
        + (f',"output":{made}' if made else "")
    )
    text = (
        f'{{"model":"{model}","occurred_at":"{time}","provider":"{provider}"'
        f',"tokens":{{{counts[1:]}}},"user":"{user}"'
    )
    return sha256((f'{text},"variant":"{variant}"}}' if variant else f"{text}}}").encode()).digest()


def storable(usage: dict[str, Any]) -> dict[str, Any]:
    """Return the object. Raise ValueError if the ledger could not keep it."""
    level: list[Any] = [usage]
    for _ in range(MAX_OBJECT_DEPTH + 1):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner += [*value, *value.values()]
            elif isinstance(value, list):
                inner += value
            elif isinstance(value, str) and "\x00" in value:
                raise ValueError("must have no text with NUL")
            elif isinstance(value, int | float) and not -NUMBER_BOUND < value < NUMBER_BOUND:
                raise ValueError("must have no number of 1e40 or more")
        level = inner
    if level:
        raise ValueError(f"must be at most {MAX_OBJECT_DEPTH} objects and lists deep")
    if len(canonical_json(usage)) > MAX_OBJECT_BYTES:
        raise ValueError(f"must have at most {MAX_OBJECT_BYTES} bytes as JSON")
    return usage
