"""The attributes of OTLP in JSON, as plain values. Pure."""

import json
import re
from collections.abc import Mapping
from typing import Any, cast

from allowance.gateways.parsed import missing
from allowance.usage.content import canonical_json

DIGITS = re.compile(r"[0-9]{1,19}", re.ASCII)
ONE_OF = ("stringValue", "boolValue", "intValue", "doubleValue")
NESTED = ("arrayValue", "kvlistValue", "bytesValue")


def attributes_of(holder: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a resource or a log record. Raise Refused.

    What is nested is canonical JSON: it is only compared.
    """
    listed: object = holder.get("attributes") or []
    found: dict[str, Any] = {}
    if not isinstance(listed, list):
        raise missing("attributes", "Must be a list.")
    for place, each in enumerate(cast("list[object]", listed)):
        match each:
            case {"key": str(key)}:
                value = cast("dict[str, Any]", each).get("value")
            case _:
                raise missing(f"attributes[{place}]", "Must have a key.")
        if key in found:
            raise missing(f"attributes[{place}]", f"Repeats the key {json.dumps(key[:100])}.")
        found[key] = _value(value, f"attributes[{place}].value")
    return found


def _value(value: object, place: str) -> Any:
    """Return a value of OTLP. Raise Refused."""
    if value is None or value == {}:
        return None
    if isinstance(value, dict):
        stated = cast("dict[str, Any]", value)
        kinds = [name for name in (*ONE_OF, *NESTED) if name in stated]
        if len(kinds) == 1:
            kind = kinds[0]
            return None if stated[kind] is None else _scalar(kind, stated[kind], place)
    raise missing(place, f"Must have one of {', '.join((*ONE_OF, *NESTED))}.")


def _scalar(kind: str, value: Any, place: str) -> Any:
    match kind, value:
        case "stringValue", str():
            return value
        case "boolValue", bool():
            return value
        case "doubleValue", int() | float() | str() if type(value) is not bool:
            return value  # NaN and Infinity are texts.
        case "intValue", int() if type(value) is not bool:
            return value
        case "intValue", str() if DIGITS.fullmatch(value.removeprefix("-")):
            return int(value)
        case (("arrayValue" | "kvlistValue" | "bytesValue"), _):
            return canonical_json(value)
        case _:
            raise missing(f"{place}.{kind}", "Has another type.")
