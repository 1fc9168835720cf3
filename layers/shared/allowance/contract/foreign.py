"""What other programs send, recognized by its form: documents by their keys, files by their first
bytes. Only to say so in an error; nothing here is read.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, cast


class Shape(NamedTuple):
    """A document of another program: the keys that it has, and how the text of one begins."""

    name: str
    keys: frozenset[str]
    begins: tuple[str, str] | None = None
    nothing_else: frozenset[str] | None = None
    """Other keys that it may have; None: any."""


def _shape(name: str, *keys: str, begins: tuple[str, str] | None = None) -> Shape:
    return Shape(name, frozenset(keys), begins)


SHAPES = (
    _shape("a usage page of OpenAI", "object", "data", "has_more", begins=("object", "page")),
    _shape("a usage bucket of OpenAI", "object", "results", begins=("object", "bucket")),
    _shape("a usage result of OpenAI", "object", begins=("object", "organization.")),
    _shape("a usage report of Anthropic", "data", "has_more", "next_page"),
    _shape("a usage bucket of Anthropic", "starting_at", "ending_at", "results"),
    _shape("a response of OpenAI", "object", "usage", "model"),
    _shape("a response of Anthropic", "type", "usage", "model", begins=("type", "message")),
    _shape("a response of Gemini", "usageMetadata"),
    _shape("a response of Bedrock", "usage", "stopReason"),
    _shape("a request to a model", "model", "messages"),
    _shape("a spend log of LiteLLM", "request_id", "call_type"),
    _shape("a spend log of LiteLLM", "call_type", "response_cost"),
    _shape("a price of LiteLLM", "litellm_provider"),
    _shape("a SCIM resource", "schemas", begins=("schemas", "urn:ietf:params:scim:")),
    _shape("a CloudEvent", "specversion", "type", "source"),
    *(
        _shape("OpenTelemetry (OTLP)", key)
        for key in ("resourceSpans", "resourceMetrics", "resourceLogs")
    ),
    Shape(
        "a GraphQL request",
        frozenset({"query"}),
        nothing_else=frozenset({"query", "variables", "operationName", "extensions"}),
    ),
)
"""The first that matches names the document."""

SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a ZIP file, for example a spreadsheet (.xlsx)"),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet (.xls)"),
    (b"PAR1", "a Parquet file"),
    (b"%PDF", "a PDF file"),
    (b"\x1f\x8b", "a compressed body (gzip), which needs Content-Encoding: gzip"),
    (b"\xff\xfe", "text in UTF-16, and JSON is UTF-8"),
    (b"\xfe\xff", "text in UTF-16, and JSON is UTF-8"),
    (b"<", "XML or HTML"),
    (b"--", "a form (multipart/form-data)"),
)
"""The first bytes of a file -> its name."""

PATTERNS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"\s*\{[^\n]*\}\s*\n\s*\{"), "several JSON documents, one a line"),
    (re.compile(rb"[\w.%+\[\]-]+=[^\s]*\Z"), "a form (application/x-www-form-urlencoded)"),
    (re.compile(rb"[^\n\[{,;\t]*[,;\t][^\n\[{]*\n"), "a table (CSV)"),
)
"""The form of a text -> its name. Only its beginning is looked at."""

MAX_LOOKED_AT = 4096


def document_name(document: object) -> str | None:
    """Return what a document looks like, by itself or by the first entry in it. None if unknown."""
    entry = next(_values(document), None)
    candidates = (document, entry, next(_values(entry), None))
    return next(filter(None, map(_name_of, candidates)), None)


def _values(document: object) -> Iterator[object]:
    """Yield the objects and lists that a document directly contains."""
    values: Iterable[object] = ()
    if isinstance(document, dict):
        values = cast("dict[str, object]", document).values()
    elif isinstance(document, list):
        values = cast("list[object]", document)
    yield from (each for each in values if isinstance(each, (dict, list)))


def content_name(content: bytes) -> str | None:
    """Return what a body that is no JSON looks like; None if unknown."""
    for start, name in SIGNATURES:
        if content.startswith(start):
            return name
    beginning = content[:MAX_LOOKED_AT]
    return next((name for form, name in PATTERNS if form.match(beginning)), None)


def _name_of(document: object) -> str | None:
    if not isinstance(document, dict):
        return None
    fields = cast("dict[str, Any]", document)
    return next((each.name for each in SHAPES if _matches(each, fields)), None)


def _matches(shape: Shape, fields: Mapping[str, Any]) -> bool:
    if not shape.keys <= fields.keys():
        return False
    if shape.nothing_else is not None and not fields.keys() <= shape.nothing_else:
        return False
    if shape.begins is None:
        return True
    key, start = shape.begins
    value = fields[key]
    texts = cast("list[object]", value) if isinstance(value, list) else [value]
    return any(isinstance(each, str) and each.startswith(start) for each in texts)
