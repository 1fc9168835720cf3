"""Errors and statuses: each error that a route can raise has a status, or its parent has."""

import ast
import importlib
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

import allowance
from allowance.errors import (
    AllowanceError,
    AttributionFailed,
    ExportFailed,
    ImportRunning,
    RerateFailed,
)
from allowance.http.request import Request
from allowance.http.responses import INTERNAL_ERROR, STATUSES, failure

LAYER = Path(allowance.__file__).parent
FUNCTIONS = Path(__file__).parents[3] / "functions"
OF_JOBS = {AttributionFailed, ExportFailed, ImportRunning, RerateFailed}
"""A job fails with these errors; no route raises them."""


def below(error: type[AllowanceError]) -> Iterable[type[AllowanceError]]:
    for each in error.__subclasses__():
        yield each
        yield from below(each)


def modules() -> dict[str, str]:
    """Name -> source of each module of the layer."""
    return {
        ".".join(("allowance", *path.relative_to(LAYER).with_suffix("").parts)): path.read_text()
        for path in LAYER.rglob("*.py")
        if path.name != "__init__.py"
    }


def imported(source: str) -> set[str]:
    return {
        node.module
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and node.module is not None
    }


def test_every_error_of_a_route_has_a_status() -> None:
    for name in modules():
        importlib.import_module(name)
    without = {each for each in below(AllowanceError) if not STATUSES.keys() & set(each.__mro__)}
    assert without == OF_JOBS


@pytest.mark.parametrize("error", sorted(OF_JOBS, key=str), ids=lambda each: each.__name__)
def test_no_route_imports_a_module_that_raises_an_error_without_status(
    error: type[AllowanceError],
) -> None:
    sources = modules()
    reaching = {
        name
        for name, source in sources.items()
        if re.search(rf"\braise {error.__name__}\b", source)
    }
    assert reaching
    while (
        more := {name for name, source in sources.items() if imported(source) & reaching} - reaching
    ):
        reaching |= more
    handlers = [path.read_text() for path in FUNCTIONS.glob("*.py")]
    users = [source for source in handlers if imported(source) & reaching]
    assert users
    assert all("allowance.http.api" not in imported(source) for source in users)


def test_an_error_without_a_status_is_a_500_that_tells_nothing(
    logged: Callable[[], list[dict[str, Any]]],
) -> None:
    response = failure(Request.of({}, "the-id"), ImportRunning(detail="of the inside"))
    assert response["statusCode"] == 500
    assert response["body"] == INTERNAL_ERROR.decode()
    (line,) = logged()
    assert line["level"] == "ERROR"
    assert line["request_id"] == "the-id"
    assert "ImportRunning" in line["exception"]
