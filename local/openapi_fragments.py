"""The fixed parts of the OpenAPI document: title, security, headers, errors, schemas of ids."""

from typing import Any

from allowance.contract.fields import UUID_FORM
from allowance.http.files import HtmlPage, JsonDocument, Redirect
from allowance.tables.csv import MEDIA_TYPE, CsvPage

UUID_SCHEMA = {"type": "string", "format": "uuid", "pattern": f"^{UUID_FORM.pattern}$"}
NAME_SCHEMA = {"type": "string", "minLength": 1, "description": "A UUID or a name."}
NAME_SCHEMAS = {
    "organization": {
        "type": "string",
        "minLength": 1,
        "description": (
            "A UUID or a name. `default` and the nil UUID stand for the default organization."
        ),
    },
    "user": {
        "type": "string",
        "minLength": 1,
        "description": "A UUID, a username, a user_name or `me`.",
    },
    "source": {"type": "string", "minLength": 1, "description": "As it is in usage records."},
    "provider": {
        "type": "string",
        "minLength": 1,
        "description": "The exact name. Slashes need no escape.",
    },
    "model": {
        "type": "string",
        "minLength": 1,
        "description": "The exact name. Slashes need no escape.",
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
FILES: dict[Any, tuple[str, dict[str, Any]]] = {
    CsvPage: (
        "200",
        {
            "description": "A file.",
            "headers": FILE_HEADERS,
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
        },
    ),
    HtmlPage: (
        "200",
        {"description": "A page.", "content": {"text/html": {"schema": {"type": "string"}}}},
    ),
    JsonDocument: (
        "200",
        {
            "description": "This document.",
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
    ),
    Redirect: (
        "302",
        {
            "description": "The page is at another address.",
            "headers": {"Location": {"description": "The address.", "schema": {"type": "string"}}},
        },
    ),
}
"""The status and the response of each result that is no JSON of the contract."""
REQUEST_ID = {
    "description": "Also in the log and in the audit entry.",
    "schema": {"type": "string"},
}

PRECONDITIONS = {
    "If-Match": (
        "The write happens only if the current version has one of these entity tags; `*`: if a "
        "version exists."
    ),
    "If-None-Match": (
        "The write happens only if the current version has none of these entity tags; `*`: if no "
        "version exists."
    ),
}

REF_TEMPLATE = "#/components/schemas/{model}"

ERROR = {
    "type": "object",
    "required": ["message"],
    "additionalProperties": False,
    "properties": {
        "message": {
            "type": "string",
            "description": "What went wrong; the same error always has the same message.",
        },
        "detail": {"type": "string", "description": "More about this case."},
        "code": {"type": "string", "description": "Why a call is refused."},
        "decision": {"$ref": "#/components/schemas/Decision"},
        "budget": {"$ref": "#/components/schemas/BindingBudget"},
        "validations": {
            "type": "array",
            "description": "Every problem of the request.",
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
        "1,000,000); each amount of a response stands in dollars beside it."
    ),
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}
SECURITY_SCHEMES = {
    "session": {"type": "apiKey", "in": "header", "name": "Coder-Session-Token"},
    "bearer": {"type": "http", "scheme": "bearer"},
}
