"""The files of functions/, read as syntax: short sentences that import from a list and no more."""

import ast
import importlib
import re
from pathlib import Path

import pytest

from tests.gateway import JOBS

FUNCTIONS = Path(__file__).parents[2] / "functions"
FILES = sorted(FUNCTIONS.glob("*.py"))
ROUTE_LINES = 25

DOMAINS = (
    "alerts|audit|budgets|directory|exports|overview|prices|reconciliation|reservations|spend|usage"
)
OF_DOMAINS = (
    "models|store|groups|overrides|held|book|aliases|alias_models|spend_csv|unpriced|differences"
    "|unattributed"
    "|sources|closing|listing|policies|policy_models"
    "|organization|organization_changes|organization_models|terms|custom|custom_models"
    "|tokens|token_models|people|periods|series|series_models|series_query"
    "|forecast|forecast_models"
    "|reports|report_store"
    "|comparison|comparison_models"
)
"""Modules of domains with the shapes and stores of routes."""
ROUTE_MODULES = re.compile(
    r"uuid|typing|pathlib"
    r"|allowance\.http\.\w+|allowance\.contract\.\w+|allowance\.tables\.csv|allowance\.rbac\.policy"
    r"|allowance\.gateways\.(litellm|openmeter|otlp|portkey|envoy)"
    r"\.(guardrail|log|store|\w+_models)"
    rf"|allowance\.({DOMAINS})\.({OF_DOMAINS})"
)
"""What the file of a route may import.

Not on the list: psycopg, a database, a session, a gate, a system actor, settings, the environment,
JSON, AWS's SDK, a logger.
"""

JOB_MODULES = {
    "seed_prices": "prices",
    "import_directory": "directory",
    "ingest_usage": "usage",
    "import_usage": "usage",
    "rerate_usage": "usage",
    "attribute_usage": "usage",
    "expire_usage": "usage",
    "expire_overrides": "budgets",
    "deliver_alerts": "alerts",
    "export_spend": "exports",
}
"""Each job with its domain."""
JOB_LIBRARIES = {
    ("export_spend", "allowance_parquet.parquet_file"),
    ("import_usage", "allowance_client.imports.scheduled"),
}


def imported(tree: ast.AST) -> set[str]:
    found = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return found | {
        name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    }


def forbidden(job: str | None, module: str) -> bool:
    """Whether the file of a route (no job), or of this job, must not import the module."""
    if job is None:
        return not ROUTE_MODULES.fullmatch(module)
    if (job, module) in JOB_LIBRARIES:
        return False
    own = rf"allowance\.triggers\.\w+|allowance\.rbac\.system|allowance\.{JOB_MODULES[job]}\.[\w.]+"
    return not re.fullmatch(rf"uuid|typing|pathlib|{own}", module)


def test_every_job_has_a_domain() -> None:
    assert JOB_MODULES.keys() == set(JOBS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_handler_imports_from_the_list_only(path: Path) -> None:
    job = path.stem if path.stem in JOBS else None
    assert not [each for each in imported(ast.parse(path.read_text())) if forbidden(job, each)]


@pytest.mark.parametrize(
    "module",
    [
        "psycopg",
        "psycopg.rows",
        "os",
        "json",
        "boto3",
        "logging",
        "importlib",
        "allowance",
        "allowance.database.database",
        "allowance.access.session",
        "allowance.access.gate",
        "allowance.rbac.system",
        "allowance.rbac.authorize",
        "allowance.settings",
        "allowance.triggers.jobs",
        "allowance.prices.seeding.store",
        "allowance.directory.importer",
        "allowance.alerts.delivery",
        "allowance.usage.ledger",
        "allowance.log",
        "prices",
    ],
)
def test_nothing_on_the_list_bypasses_the_gate(module: str) -> None:
    assert forbidden(None, module)
    if module not in ("allowance.rbac.system", "allowance.triggers.jobs"):
        others = [job for job, domain in JOB_MODULES.items() if f".{domain}." not in module]
        assert all(forbidden(job, module) for job in others)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_handler_imports_names_from_where_they_are_defined(path: Path) -> None:
    """`http.api` imports `open_store`, for example: no handler gets it from there."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("allowance."):
            module = importlib.import_module(node.module or "")
            for name in node.names:
                value = getattr(module, name.name)
                assert getattr(value, "__module__", node.module) == node.module, name.name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_handler_is_a_sentence_for_each_route(path: Path) -> None:
    source = path.read_text()
    tree = ast.parse(source)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert functions
    assert len(source.splitlines()) < ROUTE_LINES * len(functions)
    assert (ast.get_docstring(tree) or "").count("\n") <= 1
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Try | ast.ClassDef)]
    for function in functions:
        text = ast.get_docstring(function)
        assert len(function.body) - (text is not None) == 1, function.name
        assert (text is not None) == (len(functions) > 1), "the file's sentence, or one each"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_handler_reads_nothing_that_an_import_hides(path: Path) -> None:
    """Handlers import names, not modules, so no attribute reaches a module off the list."""
    tree = ast.parse(path.read_text())
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not names & {"__import__", "eval", "exec", "getattr", "globals", "open", "vars"}
    private = [
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr.startswith("_")
    ]
    assert not private
