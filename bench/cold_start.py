"""Measure the imports of a cold start, less an empty interpreter, also with boto3: `make bench`."""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNS = 9
PATH = os.pathsep.join([str(ROOT / "functions"), str(ROOT / "layers" / "shared")])


def seconds(statement: str) -> float:
    """Return the median time of an interpreter that runs the statement, with compiled modules."""
    command = [sys.executable, "-c", statement]
    environment = os.environ | {"PYTHONPATH": PATH}
    times: list[float] = []
    for _ in range(RUNS + 1):
        started = time.perf_counter()
        subprocess.run(command, env=environment, check=True)
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:])


def main() -> None:
    empty = seconds("pass")
    budget = seconds("import get_group_budget") - empty
    print(f"{'imports of':46}{'ms':>7}{'ratio':>8}")
    for label, statement in {
        "get_group_budget": "import get_group_budget",
        "  of which psycopg": "import psycopg",
        "  of which pydantic, with a model": "import pydantic;"
        " pydantic.create_model('M', x=(int, ...))",
        "  of which Powertools' logger, as we import it": "import allowance.log",
        "put_group_budget": "import put_group_budget",
        "prices, nine routes": "import prices",
        "spend, four routes": "import spend",
        "get_group_budget and boto3 with a client": "import get_group_budget, boto3;"
        " boto3.client('secretsmanager', region_name='eu-west-1')",
        "get_group_budget and Powertools' resolver": "import get_group_budget,"
        " aws_lambda_powertools.event_handler",
    }.items():
        taken = seconds(statement) - empty
        print(f"{label:46}{taken * 1000:7.0f}{taken / budget:8.2f}")


if __name__ == "__main__":
    main()
