"""Check before a deployment that the account can reserve the concurrency of the stack.

    python -m local.quota prod AlarmEmail=you@acme.example ReservedConcurrency=5

Otherwise CloudFormation notices after a quarter of an hour, with a database to remove. Without
credentials or the permission to ask, it checks nothing: SAM reports that better.
"""

# boto3 has no types for most services.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import sys
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, cast

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[1]
UNRESERVED = 100
"""Lambda refuses a reservation that leaves less:
https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
"""

QUOTA = "aws service-quotas request-service-quota-increase --service-code lambda"
QUOTA_CODE = "L-B99A9384"
"""The quota "Concurrent executions"."""


def reserved(template: Mapping[str, Any], parameters: Mapping[str, str]) -> int:
    """Return how many concurrent executions the stack reserves with these parameters."""
    if int(parameters["ReservedConcurrency"]) == 0:
        return 0
    functions = [
        {**template["Globals"]["Function"], **each["Properties"]}
        for each in template["Resources"].values()
        if each["Type"] == "AWS::Serverless::Function"
    ]
    counts = [each["ReservedConcurrentExecutions"]["Fn::If"][1] for each in functions]
    return sum(int(parameters[each["Ref"]]) if isinstance(each, dict) else each for each in counts)


def refusal(needed: int, available: int, quota: int) -> str | None:
    """Return why the account cannot reserve this, and what to do. None: it can."""
    if needed == 0 or needed + UNRESERVED <= available:
        return None
    return (
        f"This account runs at most {quota} copies of functions at the same time, and {available} "
        f"of them are free to reserve or are this stack's.\nThe stack reserves {needed}, and "
        f"Lambda keeps {UNRESERVED} unreserved: {needed + UNRESERVED} are needed. Either\n"
        f'- deploy without a reservation: make deploy PARAMETERS="ReservedConcurrency=0 ...", or\n'
        f"- ask AWS for more and wait for it: {QUOTA} --quota-code {QUOTA_CODE} "
        f"--desired-value {max(1000, quota + needed)}"
    )


def check(stack: str, given: Mapping[str, str]) -> str | None:
    """Return the refusal for the account and region of the environment. Raise the errors of boto3.

    CloudFormation remembers the parameters of a stack, and an update may reserve again what the
    stack has reserved.
    """
    template = _template()
    defaults = {name: str(each["Default"]) for name, each in template["Parameters"].items()}
    session = boto3.Session()
    clouds: Any = session.client("cloudformation")
    functions: Any = session.client("lambda")
    remembered: dict[str, str] = {}
    held = 0
    try:
        (found,) = clouds.describe_stacks(StackName=stack)["Stacks"]
        remembered = {
            each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", [])
        }
        held = sum(map(partial(_held, functions), _functions_of(clouds, stack)))
    except ClientError as error:
        details: Any = error.response
        if details["Error"]["Code"] != "ValidationError":  # There is no such stack yet.
            raise
    limits = functions.get_account_settings()["AccountLimit"]
    needed = reserved(template, defaults | remembered | dict(given))
    available = limits["UnreservedConcurrentExecutions"] + held
    return refusal(needed, available, limits["ConcurrentExecutions"])


@cache
def _template() -> dict[str, Any]:
    return cast("dict[str, Any]", yaml_parse((ROOT / "template.yaml").read_text()))


def _functions_of(clouds: Any, stack: str) -> list[str]:
    """Return the names of the functions of a stack."""
    pages = clouds.get_paginator("list_stack_resources").paginate(StackName=stack)
    return [
        each["PhysicalResourceId"]
        for page in pages
        for each in page["StackResourceSummaries"]
        if each["ResourceType"] == "AWS::Lambda::Function" and "PhysicalResourceId" in each
    ]


def _held(functions: Any, name: str) -> int:
    found = functions.get_function_concurrency(FunctionName=name)
    return found.get("ReservedConcurrentExecutions", 0)


def main(arguments: Sequence[str]) -> None:
    """Exit with the refusal, if any. `arguments`: an environment of samconfig.toml, parameters."""
    environment, *words = arguments
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    stack = config[environment]["global"]["parameters"]["stack_name"]
    given = dict(each.split("=", 1) for each in words if "=" in each)
    try:
        problem = check(stack, given)
    except (BotoCoreError, ClientError) as error:
        print(f"The concurrency of the account was not checked: {error}", file=sys.stderr)
        return
    if problem:
        sys.exit(problem)


if __name__ == "__main__":
    main(sys.argv[1:])
