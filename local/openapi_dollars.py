"""The dollars beside each amount of a response, in the OpenAPI document."""

from typing import Any, cast

from local.openapi_fragments import REF_TEMPLATE

MICROS = "_micros"
USD = "_usd"
DOLLARS = {
    "type": "string",
    "pattern": r"^-?\d+\.\d{6}$",
    "description": "The amount of the field before, in US dollars.",
}
REFERENCE = {"$ref": REF_TEMPLATE.format(model="Dollars")}
NULL = {"type": "null"}


def with_dollars(schema: Any) -> Any:
    """Return the schema of a response with `x_usd` after each `x_micros`, and as nullable and as
    required as that.
    """
    if isinstance(schema, list):
        return [with_dollars(each) for each in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    made = {name: with_dollars(each) for name, each in cast("dict[str, Any]", schema).items()}
    properties = made.get("properties")
    if isinstance(properties, dict):
        made["properties"] = dict(
            twin
            for name, described in cast("dict[str, Any]", properties).items()
            for twin in _with_twin(name, described)
        )
        if "required" in made:
            made["required"] = [twin for name in made["required"] for twin in _names(name)]
    return made


def _with_twin(name: str, described: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    dollars: dict[str, Any] = REFERENCE
    if described.get("type") == "null":
        dollars = NULL
    elif NULL in described.get("anyOf", []):
        dollars = {"anyOf": [REFERENCE, NULL]}
    return list(zip(_names(name), (described, dollars), strict=False))


def _names(name: str) -> list[str]:
    return [name, name.removesuffix(MICROS) + USD] if name.endswith(MICROS) else [name]
