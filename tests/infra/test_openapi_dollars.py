"""Dollars in the OpenAPI document: beside each amount of a response, and in no request."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.openapi import DOCUMENT

SCHEMAS = DOCUMENT["components"]["schemas"]
OPERATIONS = {
    f"{method} {path}": operation
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}


def objects(schema: Any, seen: set[str]) -> Iterator[dict[str, Any]]:
    """Every schema of an object with properties, through references."""
    if isinstance(schema, list):
        for each in schema:
            yield from objects(each, seen)
    elif isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            yield schema
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference not in seen:
            seen.add(reference)
            yield from objects(SCHEMAS[reference.rsplit("/", 1)[1]], seen)
        for each in schema.values():
            yield from objects(each, seen)


def kinds(schema: dict[str, Any]) -> set[str | None]:
    """The types of its values; None of a reference."""
    return {each.get("type") for each in schema.get("anyOf", [schema])}


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_each_amount_of_a_response_has_its_dollars(operation: dict[str, Any]) -> None:
    for schema in objects(operation["responses"], set()):
        properties, required = schema["properties"], schema.get("required", [])
        for name in [name for name in properties if name.endswith("_micros")]:
            dollars = name.removesuffix("_micros") + "_usd"
            assert dollars in properties, schema["title"]
            assert (dollars in required) == (name in required)
            assert ("null" in kinds(properties[dollars])) == ("null" in kinds(properties[name]))


def test_responses_with_amounts_are_found() -> None:
    found = {
        name
        for name, operation in OPERATIONS.items()
        for schema in objects(operation["responses"], set())
        if any(each.endswith("_usd") for each in schema["properties"])
    }
    assert {"post /api/v2/ai/usage", "get /api/v2/users/{user}/ai/spend"} <= found


def test_no_request_takes_dollars_but_a_cost_that_a_gateway_states() -> None:
    taken = {
        name
        for operation in OPERATIONS.values()
        for schema in objects(operation.get("requestBody"), set())
        for name in schema["properties"]
        if name.endswith("_usd")
    }
    assert taken == {"cost_usd"}
