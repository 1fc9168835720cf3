"""The committed OpenAPI document as schemathesis reads it, and what each response must satisfy."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

DOCUMENT = json.loads((Path(__file__).parents[1] / "docs" / "openapi.json").read_text())
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
each_operation = pytest.mark.parametrize(
    ("path", "method"),
    [
        pytest.param(path, method, id=f"{method} {path}")
        for path, operations in DOCUMENT["paths"].items()
        for method in operations
    ],
)


@cache
def _schema() -> Any:
    return schemathesis.openapi.from_dict(DOCUMENT)


def operation_of(path: str, method: str) -> APIOperation[Any, Any, Any, Any]:
    return _schema()[path][method.upper()]


def takes_anything(path: str, method: str) -> bool:
    """Whether a request may have parameters, a body or a credential."""
    described = DOCUMENT["paths"][path][method]
    return bool(described["parameters"] or described["security"] or "requestBody" in described)


def examples(count: int) -> settings:
    """This number of generated requests, each of them sent."""
    return settings(
        max_examples=count,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
    )


def caller_of(path: str) -> str:
    """An owner where anybody else sees a refusal only; else the admin of acme."""
    return "olivia" if re.search("/ai/(model-|sources/)", path) else "adam"
