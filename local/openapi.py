"""The OpenAPI document of the routes, out of the handlers themselves: `make openapi` writes
docs/openapi.json.

What a route takes and answers is read from its signature; pydantic gives the schemas; which errors
it can answer follows from what it takes, as in `allowance.http.api`.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import BaseModel, TypeAdapter

from allowance import errors
from allowance.contract.fields import UUID_FORM, Body, Versioned
from allowance.contract.preconditions import Precondition
from allowance.contract.query import Query
from allowance.errors import AllowanceError
from allowance.http.api import Route
from allowance.http.responses import INTERNAL_ERROR, STATUSES
from allowance.tables.csv import MEDIA_TYPE, CsvPage

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT_FILE = ROOT / "docs" / "openapi.json"
REF_TEMPLATE = "#/components/schemas/{model}"

UUID_SCHEMA = {"type": "string", "format": "uuid", "pattern": f"^{UUID_FORM.pattern}$"}
NAME_SCHEMA = {"type": "string", "minLength": 1, "description": "A UUID or a name."}
NAME_SCHEMAS = {
    "user": {"type": "string", "minLength": 1, "description": "A UUID, a username or `me`."},
    "provider": {
        "type": "string",
        "minLength": 1,
        "description": "As it is; slashes may stand as they are.",
    },
    "model": {
        "type": "string",
        "minLength": 1,
        "description": "As it is; slashes may stand as they are.",
    },
}
ETAG = {"description": "The version, for If-Match.", "schema": {"type": "string"}}
FILE_HEADERS = {
    "Content-Disposition": {"description": "A name for the file.", "schema": {"type": "string"}},
    "Link": {
        "description": (
            'The query of the next page, as `<?month=...>; rel="next"`; absent on the last.'
        ),
        "schema": {"type": "string"},
    },
}
REQUEST_ID = {
    "description": "Also in the log and in the audit entry.",
    "schema": {"type": "string"},
}

PRECONDITIONS = {
    "If-Match": (
        "The write happens only if the present version has one of these entity tags; `*`: if "
        "there is one."
    ),
    "If-None-Match": (
        "The write happens only if the present version has none of these entity tags; `*`: "
        "creates only."
    ),
}

ERROR = {
    "type": "object",
    "required": ["message"],
    "additionalProperties": False,
    "properties": {
        "message": {
            "type": "string",
            "description": "What went wrong; the same words for the same error.",
        },
        "detail": {"type": "string", "description": "What may help."},
        "validations": {
            "type": "array",
            "description": "Every problem of what was sent, at once.",
            "items": {
                "type": "object",
                "required": ["field", "detail"],
                "additionalProperties": False,
                "properties": {"field": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}

INFO = {
    "title": "Allowance",
    "version": "2",
    "description": (
        "Serverless control of AI spend. Money is whole micro-units of US dollars (1 USD = "
        "1,000,000)."
    ),
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}
SECURITY_SCHEMES = {
    "session": {"type": "apiKey", "in": "header", "name": "Coder-Session-Token"},
    "bearer": {"type": "http", "scheme": "bearer"},
}


def routes() -> list[tuple[Route, str]]:
    """Every route with the sentence that its file begins with."""
    modules = [
        importlib.import_module(path.stem) for path in sorted((ROOT / "functions").glob("*.py"))
    ]
    served = [
        (module.app.route, str(module.__doc__)) for module in modules if hasattr(module, "app")
    ]
    return sorted(
        ((r, doc) for r, doc in served if r.path != "$default"),
        key=lambda each: (each[0].path, each[0].method),
    )


def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    schemas: dict[str, Any] = {"Error": ERROR}
    paths: dict[str, Any] = {}
    for route, sentence in routes():
        # API Gateway's `{model+}`, which takes the slashes too, is no parameter that OpenAPI knows.
        paths.setdefault(route.path.replace("+}", "}"), {})[route.method.lower()] = _operation(
            route, sentence, schemas
        )
    return {
        "openapi": "3.1.0",
        "info": INFO,
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def render(made: dict[str, Any]) -> str:
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def _operation(route: Route, sentence: str, schemas: dict[str, Any]) -> dict[str, Any]:
    takes = {name: kind for name, kind in route.parameters.items() if name != "return"}
    returns = route.parameters["return"]
    kinds = [kind for kind in takes.values() if isinstance(kind, type)]
    operation: dict[str, Any] = {
        "operationId": route.function.__name__,
        "summary": _sentence(sentence),
        "security": [] if route.public else [{name: []} for name in SECURITY_SCHEMES],
        "parameters": _parameters(route, takes, schemas),
        "responses": _success(returns, schemas) | _failures(route, kinds),
    }
    for kind in kinds:
        if issubclass(kind, Body):
            content = {"application/json": {"schema": _schema(kind, schemas, "validation")}}
            operation["requestBody"] = {"required": True, "content": content}
    return operation


def _sentence(docstring: str) -> str:
    """What a handler's docstring says after the route."""
    text = docstring.partition(": ")[2].strip()
    return text[0].upper() + text[1:]


def _parameters(
    route: Route, takes: dict[str, Any], schemas: dict[str, Any]
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name in (
        segment[1:-1].rstrip("+") for segment in route.path.split("/") if segment.startswith("{")
    ):
        schema = UUID_SCHEMA if takes.get(name) is UUID else NAME_SCHEMAS.get(name, NAME_SCHEMA)
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
    # A parameter that may be left out is no parameter that may be null.
    if "anyOf" in schema:
        schema = {k: v for k, v in schema.items() if k not in ("anyOf", "default")} | schema[
            "anyOf"
        ][0]
    schema.pop("title", None)
    # A list is one parameter, its values separated by commas.
    several = {"style": "form", "explode": False} if schema.get("type") == "array" else {}
    if several:
        schema["items"] = UUID_SCHEMA
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
    if returns is CsvPage:
        file = {MEDIA_TYPE: {"schema": {"type": "string"}}}
        return {
            "200": {"description": "A file.", "headers": headers | FILE_HEADERS, "content": file}
        }
    if isinstance(returns, type) and issubclass(returns, Versioned):
        headers["ETag"] = ETAG
    content = {"application/json": {"schema": _schema(returns, schemas, "serialization")}}
    return {"200": {"description": "Done.", "headers": headers, "content": content}}


def _failures(route: Route, kinds: list[type]) -> dict[str, Any]:
    raised: set[type[AllowanceError]] = {errors.InvalidQuery}
    if not route.public:
        raised |= {errors.Unauthenticated}
        # A list of what one may read is empty for who may read nothing.
        raised |= (
            {errors.NotFound}
            if route.path != "/api/v2/audit" and (not route.needs or "{" in route.path)
            else set()
        )
    if route.needs:
        raised |= {errors.Forbidden}
    if "{held}" in route.path:
        raised |= {errors.AlreadyDecided}
    if route.is_gated:
        raised |= {errors.BudgetsNotEnabled}
    if any(issubclass(kind, Body) for kind in kinds):
        raised |= {errors.BodyTooLarge, errors.UnsupportedMediaType}
    if Precondition in kinds:
        raised |= {errors.BudgetChanged}
    raised |= {errors.DatabaseUnavailable}
    by_status: dict[int, str] = {}
    for error in sorted(raised, key=lambda each: each.__name__):
        by_status[STATUSES[error]] = " ".join(
            filter(None, (by_status.get(STATUSES[error]), str(error.__doc__)))
        )
    by_status |= {
        400: "What was sent cannot be taken: the message says why.",
        500: json.loads(INTERNAL_ERROR)["message"],
    }
    return {str(status): _failure(status, text) for status, text in sorted(by_status.items())}


def _failure(status: int, text: str) -> dict[str, Any]:
    headers = {"X-Request-Id": REQUEST_ID}
    if status == STATUSES[errors.DatabaseUnavailable]:
        headers["Retry-After"] = {"description": "Seconds.", "schema": {"type": "integer"}}
    content = {"application/json": {"schema": {"$ref": REF_TEMPLATE.format(model="Error")}}}
    return {"description": text, "headers": headers, "content": content}


def _schema(kind: Any, schemas: dict[str, Any], mode: Any) -> dict[str, Any]:
    schema = TypeAdapter(kind).json_schema(ref_template=REF_TEMPLATE, mode=mode)
    schemas.update(schema.pop("$defs", {}))
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        schemas[kind.__name__] = schema
        return {"$ref": REF_TEMPLATE.format(model=kind.__name__)}
    return schema


if __name__ == "__main__":
    sys.path.append(str(ROOT / "functions"))
    DOCUMENT_FILE.write_text(render(document()))
    print(f"{len(routes())} routes written to {DOCUMENT_FILE.relative_to(ROOT)}")
