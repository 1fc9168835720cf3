"""The labels of a usage, by which it is counted, such as its project or team. Pure."""

import json
import re
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

from allowance.usage.content import canonical_json

MAX_LABELS = 8
MAX_KEY_LENGTH = 64
MAX_VALUE_LENGTH = 255

OWN_PREFIX = "allowance/"
"""Exports put keys of their own beside the labels."""

PROVIDER_NAME = f"{OWN_PREFIX}provider_name"
"""The key of the gateway's own name of its provider, by which usage is counted like by a label."""

OTHER_SET = "other"
"""What reports call the labels of usage that came after the first 1,000 label sets of its day."""

_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,63}", re.ASCII)


def _key(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise ValueError(
            f"must be a key of 1 to {MAX_KEY_LENGTH} letters, digits and _ . / -, which begins "
            "with a letter, a digit or _"
        )
    if key.startswith(OWN_PREFIX):
        raise ValueError(f"must be a key that does not begin with {OWN_PREFIX}, which is reserved")
    return key


def _value(value: str) -> str:
    # Postgres cannot store NUL. U+FFFD stands for bytes that were not UTF-8: different values would
    # then look the same.
    if "\x00" in value or "\ufffd" in value:
        raise ValueError("must have no NUL, and no U+FFFD, which stands for text that is not UTF-8")
    return value


LabelKey = Annotated[
    str,
    AfterValidator(_key),
    WithJsonSchema({"type": "string", "pattern": f"^{_KEY.pattern}$"}),
]
LabelValue = Annotated[str, Field(max_length=MAX_VALUE_LENGTH), AfterValidator(_value)]
Labels = Annotated[dict[LabelKey, LabelValue], Field(max_length=MAX_LABELS)]


@lru_cache(maxsize=4096)
def plain_labels_text(items: tuple[tuple[str, object], ...]) -> str | None:
    """Return the canonical JSON of labels in any order, empty without any; None if they are not
    valid. Cached, because the same few labels come again and again.
    """
    try:
        for key, value in items:
            if not isinstance(value, str) or len(value) > MAX_VALUE_LENGTH:
                return None
            _value(value).encode()
            _key(key)
    except ValueError:
        return None
    return None if len(items) > MAX_LABELS else labels_text(dict(items))


def labels_text(labels: dict[str, str] | dict[str, object] | None) -> str:
    """Return the canonical JSON of labels, empty without any."""
    return canonical_json(labels) if labels else ""


@lru_cache(maxsize=4096)
def counted_labels(labels: str, provider: str, provider_name: str | None) -> str:
    """Return the canonical JSON of what a usage counts under in the sums: its labels, and the
    gateway's name of its provider if it is another than the provider's.

    Cached, because the same few come again and again.
    """
    if not provider_name or provider_name == provider:
        return labels
    return canonical_json({**json.loads(labels or "{}"), PROVIDER_NAME: provider_name})
