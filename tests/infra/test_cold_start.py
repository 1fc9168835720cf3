"""What a handler imports when the connection comes from the environment."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.gateway import handlers

ROOT = Path(__file__).parents[2]
LOADED = "import sys, json, {name}; print(json.dumps(sorted(sys.modules)))"


def loaded(name: str) -> list[str]:
    return printed(LOADED.format(name=name))


def printed(program: str) -> list[Any]:
    path = os.pathsep.join([str(ROOT / "functions"), str(ROOT / "layers/shared")])
    output = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        check=True,
    )
    return json.loads(output.stdout)


@pytest.mark.parametrize("name", [module.__name__ for module in handlers()])
def test_a_route_imports_no_boto3_and_no_botocore(name: str) -> None:
    modules = {module.partition(".")[0] for module in loaded(name)}
    assert "psycopg" in modules
    assert not modules & {"boto3", "botocore", "s3transfer", "requests"}


def test_the_rules_for_names_are_read_at_the_first_name_not_at_import() -> None:
    watched = (
        "opened = []; sys.addaudithook(lambda event, args: event == 'open' and opened.append("
        "str(args[0]))); import record_usage as each; from allowance.prices.names import candidates"
        "; read = 'match_rules.json' in str(opened); candidates('openai', 'gpt-5'); "
        "print(json.dumps([read, 'match_rules.json' in str(opened)]))"
    )
    assert printed(f"import sys, json; {watched}") == [False, True]


def test_it_leaves_out_what_only_jobs_and_documents_need() -> None:
    modules = set(loaded("get_group_budget"))
    assert not modules & {
        "allowance.alerts.receivers",
        "allowance.directory",
        "allowance.prices.book",
        "aws_lambda_powertools.event_handler",
        "aws_lambda_powertools.utilities.parameters",
    }
