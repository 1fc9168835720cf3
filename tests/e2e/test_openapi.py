"""A generated request to each route over HTTP, checked by the committed OpenAPI document."""

from typing import Any

import pytest
import schemathesis
from hypothesis import given

from tests.depth import by_depth
from tests.openapi import CHECKS, caller_of, each_operation, examples, operation_of


@pytest.mark.thorough
@each_operation
def test_each_route_responds_over_http_as_documented(
    stack: dict[str, Any], path: str, method: str
) -> None:
    token = {"Authorization": f"Bearer {stack['tokens'][caller_of(path)]}"}
    statuses: list[int] = []

    @examples(by_depth(1, 2, 10))
    @given(case=operation_of(path, method).as_strategy())
    def conforms(case: schemathesis.Case) -> None:
        if "group" in case.path_parameters:
            case.path_parameters["group"] = stack["groups"]["acme/research"]
        response = case.call_and_validate(base_url=stack["api_url"], headers=token, checks=CHECKS)
        statuses.append(response.status_code)

    conforms()
    assert statuses
