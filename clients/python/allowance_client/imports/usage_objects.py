"""A vendor's usage object as the service takes it: its numbers, and the words that mark a price.

Any other text is left out and named, because it may be a prompt. What the service would reject is
refused here, before anything is sent.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, cast

from allowance_client.imports.fields import Fields
from allowance_client.imports.values import MAX_COUNT

MAX_BYTES = 16_384
MAX_DEPTH = 8
MAX_NUMBER = 10**40

MARKS = frozenset({"service_tier", "serviceTier", "speed", "inference_geo", "ttl", "type"})
"""Words that may change the price."""

_WORD = re.compile(r"[A-Za-z0-9_-]{1,40}", re.ASCII)
_COUNTER = re.compile(r"(?<!per_sec)(?:tokens|_requests|Tokens|TokenCount)$")
_SKIPPED = object()


def usage_object(fields: Fields, value: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the service keeps of an object, whose path `fields` has. Problems and what is
    left out are in its findings.
    """
    kept = cast("dict[str, Any]", _kept(fields, "", dict(value), 0))
    size = len(json.dumps(kept, sort_keys=True, separators=(",", ":")))
    if size > MAX_BYTES:
        fields.refuse("", f"must have at most {MAX_BYTES} bytes as JSON")
    return kept


def _kept(fields: Fields, name: str, value: Any, depth: int) -> Any:
    if isinstance(value, dict | list):
        if depth == MAX_DEPTH:
            fields.refuse(name, f"must be at most {MAX_DEPTH} objects and lists deep")
            return _SKIPPED
        if isinstance(value, list):
            items = cast("list[Any]", value)
            found = [_kept(fields, f"{name}[{n}]", each, depth + 1) for n, each in enumerate(items)]
            return [each for each in found if each is not _SKIPPED]
        inner: dict[str, Any] = {}
        for key, each in cast("dict[str, Any]", value).items():
            path = f"{name}.{key}" if name else key
            if (kept := _kept(fields, path, each, depth + 1)) is not _SKIPPED:
                inner[key] = kept
        return inner
    if isinstance(value, str):
        return _text(fields, name, value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        _require_number(fields, name, value)
    return value


def _text(fields: Fields, name: str, value: str) -> Any:
    last = name.rpartition(".")[2]
    if last in MARKS and (not value or _WORD.fullmatch(value)):
        return value
    if _COUNTER.search(last):
        fields.refuse(name, "must be a whole number, not a text")
    else:
        fields.findings.leave_out(f"texts of {fields.path}{_without_places(name)}: only numbers")
    return _SKIPPED


def _require_number(fields: Fields, name: str, value: float) -> None:
    if not 0 <= value < MAX_NUMBER:
        fields.refuse(name, "must be a number from 0 to 1e40")
    elif _COUNTER.search(name) and (value != int(value) or value > MAX_COUNT):
        fields.refuse(name, f"must be a whole number from 0 to {MAX_COUNT}")


def _without_places(name: str) -> str:
    return re.sub(r"\[[0-9]+\]", "", name)
