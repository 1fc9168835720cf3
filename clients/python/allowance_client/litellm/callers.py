"""Whom a call counts for, by what LiteLLM knows of its key. Pure."""

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256

DEFAULT_IDENTITY = ("user_api_key_user_id",)
"""The user of the key, which an administrator of LiteLLM sets."""

FIELDS = frozenset(
    f"user_api_key_{name}"
    for name in (
        "user_id",
        "user_email",
        "alias",
        "team_id",
        "team_alias",
        "org_id",
        "hash",
        "end_user_id",
    )
)
"""What may name the user. `user_api_key_end_user_id` is what the caller claims."""

NOBODY = "default_user_id"
"""LiteLLM's user of the master key."""

_HASHED = re.compile(r"[0-9a-f]{64}", re.ASCII)
ATTRIBUTES = {"user_api_key_alias": "key_alias", "user_api_key_hash": "api_key"}
"""The attributes of a key's object that are named otherwise than its fields in a log."""


def checked_identity(fields: Sequence[str]) -> tuple[str, ...]:
    """Return the fields that may name the user. Raise ValueError for none, or an unknown one."""
    if isinstance(fields, str) or not fields or set(fields) - FIELDS:
        raise ValueError(f"identity must list some of {', '.join(sorted(FIELDS))}.")
    return tuple(fields)


def fields_of_key(key: object) -> dict[str, object]:
    """Return the fields of a key's object, as a log of LiteLLM has them."""
    return {
        name: getattr(key, ATTRIBUTES.get(name, name.removeprefix("user_api_key_")), None)
        for name in FIELDS
    }


def user_of(identity: Sequence[str], known: Mapping[str, object]) -> str:
    """Return the first name that a field has. A key without one has a name of its own, which is of
    nobody until an owner assigns it.
    """
    for each in identity:
        value = known.get(each)
        if each == "user_api_key_hash" and value:
            return hash_of(value)
        if isinstance(value, str) and value and value != NOBODY:
            return value
    return f"litellm-key:{hash_of(known.get('user_api_key_hash'))}"


def hash_of(key: object) -> str:
    """Return the hash of a key. A custom authentication may leave the key itself: it is hashed."""
    if not isinstance(key, str) or not key:
        return "unknown"
    return key if _HASHED.fullmatch(key) else sha256(key.encode()).hexdigest()
