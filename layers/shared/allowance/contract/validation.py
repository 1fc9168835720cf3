"""Problems in the caller's words, made from pydantic's errors, each with the path of its field."""

import json
from collections.abc import Iterator
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from allowance.contract.hints import Hints, Location
from allowance.errors import Problem

DETAILS = {
    "missing": "Required.",
    "extra_forbidden": "Unknown field.",
    "int_type": "Must be a whole number.",
    "int_parsing_size": "Must be a whole number of fewer digits.",
    "string_type": "Must be a string.",
    "uuid_type": "Must be a string.",
    "bool_type": "Must be true or false.",
    "list_type": "Must be a list.",
    "none_required": "Must be null.",
    "string_unicode": "Must be a string without half of a surrogate pair.",
    "dict_type": "Must be an object.",
    "model_type": "Must be an object.",
    "model_attributes_type": "Must be an object.",
    "string_too_short": "Must not be empty.",
    "too_short": "Must not be empty.",
}
"""Error type of pydantic -> our text. For other types pydantic's own text is clear."""

KEY = "[key]"
"""pydantic adds this to the path when the key itself of an object is invalid."""

BELOW, ABOVE = "greater_than_equal", "less_than_equal"
MISSING, UNKNOWN = "missing", "extra_forbidden"
DESCRIBED = {MISSING, "none_required"}
"""With these errors, and those of a type, comes the description of the field."""


def path_of(location: Location) -> str:
    """Return `prices[3].input_price` for ("prices", 3, "input_price")."""
    path = ""
    for part in (each for each in location if each != KEY):
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path or "(document)"


def problems_of(
    error: ValidationError,
    model: type[BaseModel] | None = None,
    within: tuple[int | str, ...] = (),
) -> list[Problem]:
    """Return every problem of a document, in the document's order.

    With the model of the document, problems of wrong and unknown fields say what is taken.
    `within` is the place of the validated part.
    """
    found = error.errors(include_url=False, include_input=False)
    missing = {each["loc"] for each in found if each["type"] == MISSING}
    hints = Hints(model, missing) if model is not None else None
    problems: list[Problem] = []
    for each in found:
        kind, location = each["type"], each["loc"]
        detail = detail_of(kind, each["msg"], each.get("ctx", {}))
        if hints is not None and kind == UNKNOWN:
            detail += " " + hints.instead_of(location)
        elif hints is not None and (kind in DESCRIBED or kind.endswith("_type")):
            detail += " " + hints.about(location)
        problems.append(Problem(path_of((*within, *location)), detail.rstrip()))
    return problems


def detail_of(kind: str, message: str, context: dict[str, Any]) -> str:
    """Return the sentence for an error of pydantic, from its type, message and context."""
    if kind == BELOW:
        return (
            "Must not be negative." if context["ge"] == 0 else f"Must be at least {context['ge']}."
        )
    if kind == ABOVE:
        return f"Must not exceed {context['le']}."
    if kind == "string_too_long":
        return f"Must have at most {context['max_length']} characters."
    if kind == "too_long":
        return f"Must have at most {context['max_length']} entries."
    if kind == "value_error":
        return _sentence(str(context["error"]))
    return DETAILS.get(kind) or _sentence(message.replace("Input should be", "must be", 1))


def as_phrases(problems: list[Problem]) -> list[Problem]:
    """Return the problems as phrases: the error of a Lambda has lines of `path: problem`."""
    return [
        Problem(each.field, each.detail[:1].lower() + each.detail[1:].rstrip("."))
        for each in problems
    ]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."


def unencodable(document: object) -> Iterator[Problem]:
    """Yield a problem for each text of a document, key or value, with half of a surrogate pair.

    JSON has an escape for it, and no encoding has it. So no row, response or log can hold it.
    """
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        yield from _unencodable_within((), document)
    except RecursionError:
        yield Problem("(document)", "is nested too deeply")


def _unencodable_within(place: tuple[int | str, ...], value: object) -> Iterator[Problem]:
    if isinstance(value, str) and not _is_encodable(value):
        yield Problem(path_of(place), "must have no half of a surrogate pair")
    elif isinstance(value, dict):
        for key, each in cast("dict[str, object]", value).items():
            if not _is_encodable(key):
                where = path_of((*place, ascii(key)[1:-1]))
                yield Problem(where, "must have no half of a surrogate pair in its name")
            else:
                yield from _unencodable_within((*place, key), each)
    elif isinstance(value, list):
        for i, each in enumerate(cast("list[object]", value)):
            yield from _unencodable_within((*place, i), each)


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
