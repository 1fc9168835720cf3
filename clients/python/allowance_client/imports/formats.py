"""The formats of files, by name, and how a file shows which one it has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from allowance_client.imports import (
    anthropic,
    bedrock,
    focus,
    litellm_logs,
    litellm_users,
    openai,
    openrouter,
)
from allowance_client.imports.files import ImportFile
from allowance_client.imports.problems import ImportRefused, refused
from allowance_client.imports.rows import UsageReader, VendorReader
from allowance_client.imports.values import list_of, object_of

USAGE: Mapping[str, UsageReader] = {
    "bedrock-logs": bedrock.read_bedrock_logs,
    "litellm-spend-logs": litellm_logs.read_litellm_logs,
}
"""Files with a row for each call."""

SOURCES = {"bedrock-logs": bedrock.SOURCE, "litellm-spend-logs": litellm_logs.SOURCE}
"""The default source of the records of a format."""

VENDORS: Mapping[str, VendorReader] = {
    "anthropic": anthropic.read_anthropic,
    "focus": focus.read_focus,
    "openai": openai.read_openai,
    "openrouter": openrouter.read_openrouter,
}
"""Files with what a vendor counted."""

LITELLM_CONFIG = "litellm-config"
LITELLM_USERS = "litellm-users"

FORMATS = tuple(sorted((*USAGE, *VENDORS, LITELLM_CONFIG, LITELLM_USERS)))

_BY_COLUMNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("litellm-spend-logs", litellm_logs.REQUIRED),
    ("openai", openai.COLUMNS),
    ("anthropic", anthropic.COLUMNS),
    ("openrouter", openrouter.REQUIRED),
    ("focus", focus.REQUIRED),
    (LITELLM_USERS, litellm_users.REQUIRED),
)


@dataclass(frozen=True, slots=True)
class _Shape:
    format: str
    matches: Callable[[dict[str, Any]], bool]


def _has(*names: str) -> Callable[[dict[str, Any]], bool]:
    return lambda value: set(names) <= value.keys()


_BY_KEYS = (
    _Shape("bedrock-logs", lambda value: value.get("schemaType") == "ModelInvocationLog"),
    _Shape("litellm-spend-logs", _has("request_id", "startTime")),
    _Shape("litellm-spend-logs", lambda value: _has("request_id")(_first(value))),
    _Shape("openai", lambda value: value.get("object") == "page"),
    _Shape("anthropic", lambda value: _has("starting_at", "results")(_first(value))),
    _Shape("anthropic", lambda value: {"data", "has_more", "next_page"} == value.keys()),
)


def _first(value: dict[str, Any]) -> dict[str, Any]:
    return object_of(next(iter(list_of(value.get("data"))), None))


def format_of(file: ImportFile) -> str:
    """Return the name of the format of a file. Raise ImportRefused for an unknown one."""
    found = _detected(file)
    if found is None:
        raise refused(f"Is none of {', '.join(FORMATS)}: name the format.")
    return found


def require_format(file: ImportFile, name: str) -> None:
    """Raise ImportRefused for an unknown format, and for a file that has another one."""
    if name not in FORMATS:
        raise refused(f"There is no format {name}, only {', '.join(FORMATS)}.")
    found = _detected(file)
    if found is not None and found != name:
        raise refused(f"The file looks like {found}, not {name}.")


def _detected(file: ImportFile) -> str | None:
    beginning = file.beginning()
    if beginning[0] in "[{":
        try:
            _, value = next(iter(file.values()))
        except ImportRefused:
            return None
        return next((each.format for each in _BY_KEYS if each.matches(value)), None)
    columns = {each.strip().strip('"') for each in beginning.partition("\n")[0].split(",")}
    for name, required in _BY_COLUMNS:
        if columns >= set(required):
            return name
    is_config = "model_list:" in beginning or "litellm_settings:" in beginning
    return LITELLM_CONFIG if is_config else None
