"""Rows in batches that one request takes."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

_Row = TypeVar("_Row")

MAX_ROWS = 1000
MAX_BYTES = 900_000
"""A request has a mebibyte at most; the rest is for what is around the rows."""


def batches(rows: Iterable[_Row], document: Callable[[_Row], Any]) -> Iterator[list[_Row]]:
    """Yield the rows in their order, at most MAX_ROWS and MAX_BYTES of their documents at once."""
    batch: list[_Row] = []
    size = 0
    for row in rows:
        length = len(json.dumps(document(row))) + 1
        if batch and (len(batch) == MAX_ROWS or size + length > MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += length
    if batch:
        yield batch
