"""The OpenAPI document of the routes, made from the handlers: `make openapi` writes
docs/openapi.json.

The signature of a route gives its parameters and its response; pydantic gives the schemas. The
parameters decide the possible errors, as in `allowance.http.api`.
"""

import importlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, UnionType
from typing import Any, get_args
from uuid import UUID

from pydantic import BaseModel, TypeAdapter

from allowance.contract.fields import Body, Created, Versioned
from allowance.contract.messages import JSON, Message
from allowance.contract.preconditions import Precondition
from allowance.contract.query import Query
from allowance.http.route import DEFAULT_PATH, Route
from local.openapi_dollars import DOLLARS, with_dollars
from local.openapi_failures import failures
from local.openapi_fragments import (
    ERROR,
    ETAG,
    FILES,
    INFO,
    NAME_SCHEMA,
    NAME_SCHEMAS,
    PRECONDITIONS,
    REF_TEMPLATE,
    REQUEST_ID,
    SECURITY_SCHEMES,
    UUID_SCHEMA,
)
from local.openapi_page import page

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT_FILE = ROOT / "docs" / "openapi.json"
SERVED_FILE = ROOT / "functions" / "openapi.json"
"""The same document without white space, which `/docs/openapi.json` serves."""
PAGE_FILE = ROOT / "functions" / "openapi.html"


@dataclass(frozen=True)
class Operation:
    """A route with its id and its summary in the document."""

    route: Route
    id: str
    summary: str


def operations() -> list[Operation]:
    """Return every route, in the order of the document."""
    modules = [
        importlib.import_module(path.stem) for path in sorted((ROOT / "functions").glob("*.py"))
    ]
    found = [each for module in modules if hasattr(module, "app") for each in _operations(module)]
    return sorted(found, key=lambda each: (each.route.path, each.route.method))


def _operations(module: ModuleType) -> Iterator[Operation]:
    """Return the routes of a module. The summary of a route is the docstring of its function; in a
    file with one route, it is the docstring of the file after the path.
    """
    first: dict[Any, str] = {}
    for route in module.app.routes.values():
        if route.path != DEFAULT_PATH:
            path = first.setdefault(route.function, route.path).split("/")
            # The id of a second path adds the segments that the first path lacks.
            more = [
                segment
                for segment in route.path.split("/")
                if segment not in path and not segment.startswith("{")
            ]
            text = route.function.__doc__ or str(module.__doc__).partition(": ")[2]
            summary = " ".join(text.split())
            yield Operation(
                route,
                "_".join([route.function.__name__, *more]),
                summary[0].upper() + summary[1:],
            )


def document() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    schemas: dict[str, Any] = {"Dollars": DOLLARS, "Error": ERROR}
    paths: dict[str, Any] = {}
    for each in operations():
        # API Gateway's `{model+}` also matches slashes. OpenAPI has no such parameter.
        path = paths.setdefault(each.route.path.replace("+}", "}"), {})
        path[each.route.method.lower()] = _described(each, schemas)
    return {
        "openapi": "3.1.0",
        "info": INFO,
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def files(made: dict[str, Any]) -> dict[Path, str]:
    """Return the text of each file that is made of a document."""
    return {
        DOCUMENT_FILE: json.dumps(made, indent=2, ensure_ascii=False) + "\n",
        SERVED_FILE: json.dumps(made, separators=(",", ":"), ensure_ascii=False) + "\n",
        PAGE_FILE: page(made),
    }


def _described(of: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    route = of.route
    takes = {name: kind for name, kind in route.parameters.items() if name != "return"}
    returns = route.parameters["return"]
    kinds = [kind for kind in takes.values() if isinstance(kind, type)]
    described: dict[str, Any] = {
        "operationId": of.id,
        "summary": of.summary,
        "security": [] if route.public else [{name: []} for name in SECURITY_SCHEMES],
        "parameters": _parameters(route, takes, schemas),
        "responses": _success(returns, schemas) | failures(route, kinds),
    }
    for kind in kinds:
        if issubclass(kind, Body):
            schema = {"schema": _schema(kind, schemas, "validation")}
            content = dict.fromkeys(
                kind.media_types if issubclass(kind, Message) else [JSON], schema
            )
            described["requestBody"] = {"required": True, "content": content}
    return described


def _parameters(
    route: Route, takes: dict[str, Any], schemas: dict[str, Any]
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name in (
        segment[1:-1].rstrip("+") for segment in route.path.split("/") if segment.startswith("{")
    ):
        is_uuid = takes.get(name) is UUID and "{organization}" not in route.path
        schema = UUID_SCHEMA if is_uuid else NAME_SCHEMAS.get(name, NAME_SCHEMA)
        found.append({"name": name, "in": "path", "required": True, "schema": schema})
    for kind in takes.values():
        if kind is Precondition:
            found += [
                {
                    "name": name,
                    "in": "header",
                    "required": False,
                    "description": text,
                    "schema": {"type": "string"},
                }
                for name, text in PRECONDITIONS.items()
            ]
        elif isinstance(kind, type) and issubclass(kind, Query):
            found += [
                _query_parameter(name, schema)
                for name, schema in kind.model_json_schema()["properties"].items()
            ]
    return found


def _query_parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    required = "default" not in schema
    # An optional parameter may be absent, but not null.
    if "anyOf" in schema:
        schema = {k: v for k, v in schema.items() if k not in ("anyOf", "default")} | schema[
            "anyOf"
        ][0]
    schema.pop("title", None)
    # A list is one parameter with commas between the values.
    several = {"style": "form", "explode": False} if schema.get("type") == "array" else {}
    if several:
        schema["items"] = NAME_SCHEMA
    return {
        "name": name,
        "in": "query",
        "required": required,
        "description": schema.pop("description"),
        **several,
        "schema": schema,
    }


def _success(returns: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    headers = {"X-Request-Id": REQUEST_ID}
    if returns is type(None):
        return {"204": {"description": "Done.", "headers": headers}}
    if returns in FILES:
        status, file = FILES[returns]
        return {status: file | {"headers": headers | file.get("headers", {})}}
    if isinstance(returns, type) and issubclass(returns, Versioned):
        headers["ETag"] = ETAG
    shapes: dict[str, list[dict[str, Any]]] = {}
    for kind in _shapes(returns):
        # In a union, one shape may be of what was created.
        status = "201" if _is_created(kind) else "200"
        shapes.setdefault(status, []).append(_schema(kind, schemas, "serialization"))
    return {
        status: {
            "description": "Created." if status == "201" else "Done.",
            "headers": headers,
            "content": {
                "application/json": {"schema": found[0] if len(found) == 1 else {"anyOf": found}}
            },
        }
        for status, found in shapes.items()
    }


def _shapes(returns: Any) -> tuple[Any, ...]:
    return get_args(returns) if isinstance(returns, UnionType) else (returns,)


def _is_created(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Created)


def _schema(kind: Any, schemas: dict[str, Any], mode: Any) -> dict[str, Any]:
    schema = TypeAdapter(kind).json_schema(ref_template=REF_TEMPLATE, mode=mode)
    if mode == "serialization":
        schema = with_dollars(schema)
    for name, inner in schema.pop("$defs", {}).items():
        _add(schemas, name, inner)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        _add(schemas, kind.__name__, schema)
        return {"$ref": REF_TEMPLATE.format(model=kind.__name__)}
    return schema


def _add(schemas: dict[str, Any], name: str, schema: dict[str, Any]) -> None:
    """Add a schema. Raise ValueError if another one has its name: one of them would be lost."""
    if schemas.setdefault(name, schema) != schema:
        raise ValueError(f"Two models of routes are named {name}.")


if __name__ == "__main__":
    sys.path.append(str(ROOT / "functions"))
    for file, text in files(document()).items():
        file.write_text(text)
        print(f"{len(operations())} routes written to {file.relative_to(ROOT)}")
