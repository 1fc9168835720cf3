"""The client's package: what its wheel has, and what it needs."""

import ast
import sys
import tomllib
from pathlib import Path

from allowance_client import http_terms

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "clients/python"
IN_EXTRAS = {"cli", "imports", "litellm"}
"""Folders that may need more than the client does."""


def test_the_client_needs_httpx_alone() -> None:
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    assert [each.partition(">")[0] for each in project["dependencies"]] == ["httpx"]
    imported = {
        name.partition(".")[0]
        for path in (PACKAGE / "allowance_client").glob("*.py")
        if path.stem not in IN_EXTRAS
        for node in ast.walk(ast.parse(path.read_text()))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported - sys.stdlib_module_names == {"allowance_client", "httpx"}


def test_every_file_is_valid_in_the_oldest_python() -> None:
    oldest = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]["requires-python"]
    version = tuple(map(int, oldest.removeprefix(">=").split(".")))
    for path in (PACKAGE / "allowance_client").rglob("*.py"):
        ast.parse(path.read_text(), str(path), feature_version=version)  # type: ignore[arg-type]


def test_the_package_is_typed_and_its_version_is_sent() -> None:
    assert (PACKAGE / "allowance_client/py.typed").exists()
    version = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]["version"]
    assert f"allowance-client/{version}" == http_terms.USER_AGENT
