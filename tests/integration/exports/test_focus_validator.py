"""The validator of the FinOps Foundation checks a real export.

`make test` installs it in an environment of its own.
"""

import io
import json
import re
import subprocess
from collections.abc import Generator
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from tests.exports import PATH, content, key, run
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.usage import record, results

FOCUS = Path(__file__).parents[3] / ".local" / "focus"

# What Allowance supports of the specification's optional features. It claims no price list, because
# usage without a price has no unit price.
CRITERIA = (
    "ACCOUNT_NAMING_SUPPORTED",
    "MULTIPLE_BILLING_ACCOUNT_TYPES_SUPPORTED",
    "MULTIPLE_PRICING_CATEGORIES_SUPPORTED",
    "MULTIPLE_SUB_ACCOUNT_TYPES_SUPPORTED",
    "SUB_ACCOUNT_SUPPORTED",
    "TAGGING_SUPPORTED",
    "UNIT_PRICING_SUPPORTED",
    "USAGE_MEASUREMENT_SUPPORTED",
)

# The validator fails every null, but the rule is about charges on an invoice. There are none here.
NOT_DECIDED = {"InvoiceId-C-005-C"}


# Run the validator's `main` for each file in one process: loading takes longer than a run.
SERVE = """
import json, sys
from focus_validator.main import main
for line in sys.stdin:
    sys.argv = ["focus-validator", *json.loads(line)]
    main()
    print(flush=True)
    print("END", flush=True)
"""


@pytest.fixture(scope="module")
def validator() -> Generator[subprocess.Popen[str]]:
    python = FOCUS / "bin" / "python"
    if not python.exists():
        pytest.fail("The validator is not installed: make .local/focus/.synced")
    (packages,) = (FOCUS / "lib").glob("python3.*/site-packages")
    # The validator reads its table of currencies from a relative path.
    with subprocess.Popen(
        [python, "-c", SERVE],
        cwd=packages,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def verdicts(validator: subprocess.Popen[str], file: Path) -> dict[str, set[str]]:
    """The rules by verdict."""
    assert validator.stdin
    assert validator.stdout
    options = [
        "--validate-version",
        "1.2",
        "--block-download",
        "--applicability-criteria",
        ",".join(CRITERIA),
    ]
    validator.stdin.write(json.dumps(["--data-file", str(file), *options]) + "\n")
    validator.stdin.flush()
    printed = "".join(takewhile("END\n".__ne__, validator.stdout))
    found: dict[str, set[str]] = {"PASS": set(), "FAIL": set(), "SKIPPED": set()}
    for rule, verdict in re.findall(r"^\S+ ([\w-]+): (PASS|FAIL|SKIPPED)\b", printed, re.MULTILINE):
        found[verdict].add(rule)
    assert len(found["PASS"]) > 150, printed
    return found


@pytest.fixture
def used(gateway: Client, acme: Acme) -> Client:
    acme.client("adam").put(acme.budget_path(), {"spend_limit_micros": 5})
    results(
        gateway,
        record(1),
        record(2, user="otto", model='a "b", c'),
        record(3, user="otto", model="new"),
    )
    acme.client("adam").delete(acme.budget_path())
    return gateway


@pytest.mark.thorough
def test_the_csv_of_the_route_is_focus(
    validator: subprocess.Popen[str], used: Client, acme: Acme, tmp_path: Path
) -> None:
    file = tmp_path / "focus.csv"
    file.write_bytes(acme.client("adam").get(f"{PATH}?month=2026-11&format=focus").body.encode())
    assert verdicts(validator, file)["FAIL"] == NOT_DECIDED


@pytest.mark.thorough
def test_the_parquet_in_s3_is_focus(
    validator: subprocess.Popen[str],
    s3: Any,
    used: Client,
    acme: Acme,
    database: Database,
    tmp_path: Path,
) -> None:
    run(database, {"month": "2026-11"})
    file = tmp_path / "focus.parquet"
    file.write_bytes(content(s3, key(acme.organizations["acme"])))
    assert verdicts(validator, file)["FAIL"] == NOT_DECIDED


@pytest.mark.thorough
def test_the_validator_finds_what_is_wrong(
    validator: subprocess.Popen[str], used: Client, acme: Acme, tmp_path: Path
) -> None:
    """Without this test, a validator that finds nothing would go unnoticed."""
    text = acme.client("adam").get(f"{PATH}?month=2026-11&format=focus").body
    file = tmp_path / "focus.csv"
    file.write_text(
        text.replace('"Usage"', '"Use"').replace('"BilledCost"', '"BilledCosts"'), newline=""
    )
    failed = verdicts(validator, file)["FAIL"]
    assert {"ChargeCategory-C-003-M", "CostAndUsage-D-006-M"} <= failed
    assert io.StringIO(text).readline().startswith('"BilledCost"')
