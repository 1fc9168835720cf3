"""The types of JSON Schema in words, as HTML."""

from collections.abc import Iterator
from html import escape
from typing import Any, cast

Schema = dict[str, Any]

LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} entries",
    "maxItems": "at most {} entries",
    "default": "default {}",
}
CHOICES = ("anyOf", "oneOf")


def anchor(name: str) -> str:
    """Return the id of a schema's place in the page."""
    return f"object-{escape(name)}"


def shown_type(schema: Schema) -> str:
    """Return the type and the limits of a value; a reference links to the schema's place."""
    limits = [escape(text) for text in _limits(schema)]
    return ", ".join([_kind(schema), *limits])


def _limits(schema: Schema) -> Iterator[str]:
    for name, words in LIMITS.items():
        if schema.get(name) not in (None, "", [], {}):
            value = schema[name]
            yield words.format(str(value).lower() if isinstance(value, bool) else value)


def _kind(schema: Schema) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f'<a href="#{anchor(name)}">{escape(name)}</a>'
    for word in CHOICES:
        if word in schema:
            return " or ".join(dict.fromkeys(shown_type(each) for each in schema[word]))
    if "const" in schema:
        return _literal(schema["const"])
    if "enum" in schema:
        return " or ".join(_literal(each) for each in schema["enum"])
    match schema.get("type"):
        case "array":
            return f"list of {shown_type(schema.get('items', {}))}"
        case "object":
            return _object(schema)
        case "string":
            return escape(schema.get("format", "string"))
        case None:
            return "any value"
        case kind:
            return escape(str(kind))


def _object(schema: Schema) -> str:
    fields = schema.get("properties", {})
    if fields:
        items = "".join(
            f"<li><code>{escape(name)}</code>: {shown_type(each)}</li>"
            for name, each in fields.items()
        )
        return f"object with<ul>{items}</ul>"
    rest = schema.get("additionalProperties")
    if not isinstance(rest, dict) or not rest:
        return "object"
    return f"object of {shown_type(cast('Schema', rest))}"


def _literal(value: object) -> str:
    return f"<code>{escape(str(value))}</code>"
