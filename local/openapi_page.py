"""The OpenAPI document as a page to read, which `/docs` serves: HTML without a script, an image, or
anything else to load. `make openapi` writes it.
"""

import json
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from local.openapi_types import anchor, shown_type

STYLE = Path(__file__).with_name("openapi_page.css")

Document = dict[str, Any]


def page(document: Document) -> str:
    """Return the page of a document."""
    operations = list(_operations(document))
    info = document["info"]
    parts = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(info['title'])} API</title>",
        f"<style>{STYLE.read_text()}</style>",
        "</head>",
        "<body>",
        "<header>",
        f"<h1>{escape(info['title'])} API</h1>",
        f"<p>{_prose(info['description'])}</p>",
        '<p>This page shows <a href="docs/openapi.json">the OpenAPI document</a>. Send a token as'
        " <code>Authorization: Bearer TOKEN</code> or as <code>Coder-Session-Token: TOKEN</code>."
        "</p>",
        "</header>",
        *_index(operations),
        "<main>",
        "<h2>Routes</h2>",
        *(line for each in operations for line in _article(*each)),
        "<h2>Objects</h2>",
        *(
            line
            for name, schema in document["components"]["schemas"].items()
            for line in _schema(name, schema)
        ),
        "</main>",
        "</body>",
        "</html>",
    ]
    return "\n".join(parts) + "\n"


def _operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield method.upper(), path, operation


def _index(operations: list[tuple[str, str, Document]]) -> Iterator[str]:
    yield '<nav aria-label="Routes">'
    yield "<ul>"
    for method, path, operation in operations:
        target = f'<a href="#{escape(operation["operationId"])}">{_route(method, path)}</a>'
        yield f"<li>{target} <span>{_prose(_sentence(operation['summary']))}</span></li>"
    yield "</ul>"
    yield "</nav>"


def _article(method: str, path: str, operation: Document) -> Iterator[str]:
    yield f'<article id="{escape(operation["operationId"])}">'
    yield f"<h3>{_route(method, path)}</h3>"
    yield f"<p>{_prose(operation['summary'])}</p>"
    if not operation["security"]:
        yield "<p>Needs no token.</p>"
    if operation["parameters"]:
        yield from _table(
            ("Parameter", "In", "Type", "Meaning"),
            [
                (
                    _name(each["name"], is_required=each["required"]),
                    escape(each["in"]),
                    shown_type(each["schema"]),
                    _prose(each.get("description") or each["schema"].get("description", "")),
                )
                for each in operation["parameters"]
            ],
        )
    for content in operation.get("requestBody", {}).get("content", {}).values():
        yield f"<p>Body: {shown_type(content['schema'])}</p>"
    yield from _table(
        ("Status", "Body", "Meaning"),
        [
            (escape(status), _bodies(response), _prose(response["description"]))
            for status, response in operation["responses"].items()
        ],
    )
    yield "</article>"


def _bodies(response: Document) -> str:
    content = response.get("content", {})
    return ", ".join(
        shown_type(each["schema"]) if kind == "application/json" else f"<code>{escape(kind)}</code>"
        for kind, each in content.items()
    )


def _schema(name: str, schema: Document) -> Iterator[str]:
    yield f'<article id="{anchor(name)}">'
    yield f"<h3>{escape(name)}</h3>"
    yield from (
        f"<p>{_prose(each)}</p>" for each in schema.get("description", "").split("\n\n") if each
    )
    properties = schema.get("properties")
    if properties is None:
        yield f"<p>{shown_type(schema)}</p>"
    elif properties:
        yield from _table(
            ("Field", "Type", "Meaning"),
            [
                (
                    _name(field, is_required=field in schema.get("required", [])),
                    shown_type(each),
                    _prose(each.get("description", "")),
                )
                for field, each in properties.items()
            ],
        )
    for each in schema.get("examples", []):
        yield f"<pre>{escape(json.dumps(each, indent=2, ensure_ascii=False))}</pre>"
    yield "</article>"


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    yield "<table>"
    yield f"<tr>{''.join(f'<th scope="col">{each}</th>' for each in heads)}</tr>"
    for row in rows:
        yield f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>"
    yield "</table>"


def _route(method: str, path: str) -> str:
    return f"<code><b>{method}</b> {escape(path)}</code>"


def _name(name: str, *, is_required: bool) -> str:
    optional = "" if is_required else " <small>optional</small>"
    return f"<code>{escape(name)}</code>{optional}"


def _sentence(text: str) -> str:
    """Return the first sentence of a text."""
    first, dot, _ = text.partition(". ")
    return f"{first}." if dot else first


def _prose(text: str) -> str:
    """Return the HTML of a text with `code` between backticks."""
    pieces = escape(" ".join(text.split()), quote=False).split("`")
    if len(pieces) % 2 == 0:
        return "`".join(pieces)
    return "".join(
        f"<code>{piece}</code>" if place % 2 else piece for place, piece in enumerate(pieces)
    )
