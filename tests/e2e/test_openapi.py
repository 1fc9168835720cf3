"""schemathesis: generated requests against the stack, checked by the committed OpenAPI document."""

import json
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="session")
def described(stack: dict[str, Any]) -> Any:
    schema = schemathesis.openapi.from_dict(json.loads(DOCUMENT.read_text()))
    schema.config.update(base_url=stack["api_url"])
    return schema


schema = schemathesis.pytest.from_fixture("described")


@schema.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_documented(case: schemathesis.Case, stack: dict[str, Any]) -> None:
    for username in ("adam", "otto"):
        case.call_and_validate(headers={"Authorization": f"Bearer {stack['tokens'][username]}"}, checks=CHECKS)


@schema.parametrize()
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_real_group_is_answered_as_documented(case: schemathesis.Case, stack: dict[str, Any]) -> None:
    """Random ids name no group: here the path names one that is there."""
    if "group" not in (case.path_parameters or {}):
        pytest.skip("a route without a group")
    case.path_parameters["group"] = stack["groups"]["acme/research"]
    case.call_and_validate(headers={"Authorization": f"Bearer {stack['tokens']['adam']}"}, checks=CHECKS)
