"""What a handler imports when the connection comes from the environment."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.gateway import handlers

ROOT = Path(__file__).parents[2]
LOADED = "import sys, json, {name}; print(json.dumps(sorted(sys.modules)))"
LOADED_ONE_BY_ONE = """
import importlib, json, sys
seen, added = set(), {{}}
for name in {names}:
    importlib.import_module(name)
    added[name] = sorted(sys.modules.keys() - seen)
    seen |= sys.modules.keys()
print(json.dumps(added))
"""


def loaded(name: str) -> set[str]:
    return set(printed(LOADED.format(name=name)))


def printed(program: str) -> Any:
    path = os.pathsep.join([str(ROOT / "functions"), str(ROOT / "layers/shared")])
    output = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        check=True,
    )
    return json.loads(output.stdout)


def test_no_route_imports_boto3_or_botocore() -> None:
    """One process imports all routes. The first that needs such a module is named."""
    names = [module.__name__ for module in handlers()]
    added = printed(LOADED_ONE_BY_ONE.format(names=names))
    assert len(added) == len(names) > 5
    packages = {name: {each.partition(".")[0] for each in added[name]} for name in names}
    assert "psycopg" in packages[names[0]]
    heavy = {"boto3", "botocore", "s3transfer", "requests"}
    assert {name: found for name in names if (found := packages[name] & heavy)} == {}


def test_the_rules_for_names_are_read_at_the_first_name_not_at_import() -> None:
    watched = (
        "opened = []; sys.addaudithook(lambda event, args: event == 'open' and opened.append("
        "str(args[0]))); import record_usage as each; from allowance.prices.names import candidates"
        "; read = 'match_rules.json' in str(opened); candidates('openai', 'gpt-5'); "
        "print(json.dumps([read, 'match_rules.json' in str(opened)]))"
    )
    assert printed(f"import sys, json; {watched}") == [False, True]


def test_it_leaves_out_what_only_jobs_and_documents_need() -> None:
    assert not loaded("get_group_budget") & {
        "allowance.alerts.receivers",
        "allowance.directory",
        "allowance.prices.book",
        "aws_lambda_powertools.event_handler",
        "aws_lambda_powertools.utilities.parameters",
    }
