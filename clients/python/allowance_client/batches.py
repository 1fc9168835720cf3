"""Usage records in batches that one request can have. Pure."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

MAX_RECORDS = 1000
MAX_BYTES = 1024 * 1024
FRAME_BYTES = len(b'{"records":[]}')


def encoded_size(record: Any) -> int:
    """Return the bytes of a record in a batch, with its comma. Raise ValueError for NaN."""
    text = json.dumps(record, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return len(text.encode()) + 1


def leading_batch(records: Sequence[Any]) -> int:
    """Return how many of the records go first, in one request: at most MAX_RECORDS and MAX_BYTES.

    A record that is too long for a request alone is one of its own, which the service refuses: no
    record is left out.
    """
    size = FRAME_BYTES
    for place, record in enumerate(records[:MAX_RECORDS]):
        size += encoded_size(record)
        if size > MAX_BYTES and place > 0:
            return place
    return min(len(records), MAX_RECORDS)


def batches(records: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Return the records in their order, in batches that one request can have."""
    start = 0
    while start < len(records):
        end = start + leading_batch(records[start : start + MAX_RECORDS])
        yield records[start:end]
        start = end
