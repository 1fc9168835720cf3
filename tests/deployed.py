"""What is deployed: the CloudFormation that AWS makes of template.yaml, read as data."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from local.transformed import transformed

ROOT = Path(__file__).parents[1]
JOBS = {
    "SeedPrices",
    "ImportDirectory",
    "IngestUsage",
    "ImportUsage",
    "RerateUsage",
    "AttributeUsage",
    "DeliverAlerts",
    "ExportSpend",
    "ExpireUsage",
    "ExpireOverrides",
    "Migrate",
}


@cache
def template() -> dict[str, Any]:
    return transformed()


def resources(*types: str) -> dict[str, dict[str, Any]]:
    return {name: each for name, each in template()["Resources"].items() if each["Type"] in types}


def properties(*types: str) -> dict[str, dict[str, Any]]:
    return {name: each["Properties"] for name, each in resources(*types).items()}


def functions() -> dict[str, dict[str, Any]]:
    return properties("AWS::Lambda::Function")


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Every object in a part of the template."""
    if isinstance(node, dict):
        yield node
    for child in (
        node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
    ):
        yield from nodes(child)


def statements(node: Any) -> list[dict[str, Any]]:
    """Every policy statement in a part of the template."""
    return [each for each in nodes(node) if "Effect" in each and "Action" in each]


def actions(statement: dict[str, Any]) -> list[str]:
    found = statement["Action"]
    return found if isinstance(found, list) else [found]


def role_of(name: str) -> str:
    """The logical id of a function's role."""
    return functions()[name]["Role"]["Fn::GetAtt"][0]
