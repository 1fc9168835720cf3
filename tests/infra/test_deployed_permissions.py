"""Credentials, roles and policies of the deployed functions."""

import json
import re

from tests.deployed import (
    JOBS,
    actions,
    functions,
    properties,
    resources,
    role_of,
    statements,
    template,
)
from tests.gateway import handlers

PASSWORDS = "secretsmanager:GetSecretValue"


def test_health_and_documentation_need_no_credential_and_all_else_does() -> None:
    public = {
        (route.method, route.path)
        for module in handlers()
        for route in module.app.routes.values()
        if route.public
    }
    paths = ("/", "/docs", "/docs/openapi.json", "/healthz")
    assert public == {*(("GET", path) for path in paths), ("ANY", "$default")}


def test_routes_share_a_role_and_each_job_has_its_own() -> None:
    shared = {name for name in functions() if role_of(name) == "RouteRole"}
    assert shared == functions().keys() - JOBS
    assert all(role_of(name) == f"{name}Role" for name in JOBS)
    roles = properties("AWS::IAM::Role")
    assert all(
        roles[role_of(name)]["PermissionsBoundary"] == {"Ref": "FunctionBoundary"}
        for name in functions()
    )
    managed = "arn:${AWS::Partition}:iam::aws:policy/"
    assert "Policies" not in roles["RouteRole"]
    assert roles["RouteRole"]["ManagedPolicyArns"] == [
        {"Fn::Sub": f"{managed}service-role/AWSLambdaBasicExecutionRole"},
        {"Fn::Sub": f"{managed}AWSXrayWriteOnlyAccess"},
        {"Fn::Sub": f"{managed}service-role/AWSLambdaVPCAccessExecutionRole"},
        {"Ref": "RoutesDatabaseAccess"},
    ]
    (trusted,) = statements(roles["RouteRole"]["AssumeRolePolicyDocument"])
    assert trusted["Principal"] == {"Service": "lambda.amazonaws.com"}


def test_no_policy_has_a_wildcard_action_or_a_needless_wildcard_resource() -> None:
    for statement in statements(template()["Resources"]):
        assert not [action for action in actions(statement) if "*" in action], statement
        if statement["Effect"] == "Allow" and statement.get("Resource") == "*":
            assert {action.split(":")[0] for action in actions(statement)} <= {"xray", "ec2"}


def test_only_the_migrator_may_read_the_owners_secret() -> None:
    for name, resource in template()["Resources"].items():
        text = json.dumps(resource)
        tells = name not in {"DatabaseCluster", "FunctionBoundary", "SecretsManagerEndpoint"} and (
            "OwnerDatabase" in text or "MasterUserSecret" in text
        )
        assert tells == (name in {"Migrate", "MigrateRole"}), name


def test_what_a_function_may_do_is_within_the_boundary() -> None:
    boundary = {
        action
        for each in statements(template()["Resources"]["FunctionBoundary"])
        for action in actions(each)
    }
    granted = {
        action
        for name, resource in resources("AWS::IAM::Role", "AWS::IAM::ManagedPolicy").items()
        if name.removesuffix("Role") in functions() or name.endswith("DatabaseAccess")
        for each in statements(
            resource["Properties"].get("Policies", resource["Properties"].get("PolicyDocument", []))
        )
        for action in actions(each)
    }
    assert {PASSWORDS, "rds-db:connect", "sqs:SendMessage"} <= granted <= boundary
    # AWS's managed policies for logs, traces and networks grant these, and a function needs them.
    # The AWS managed policy reference lists them, as under AWSLambdaVPCAccessExecutionRole.
    assert {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
    } <= boundary
    interfaces = {"Create", "Describe", "Delete"}
    assert {
        f"ec2:{verb}NetworkInterface{'s' if verb == 'Describe' else ''}" for verb in interfaces
    } <= boundary
    assert {
        "ec2:DescribeSubnets",
        "ec2:AssignPrivateIpAddresses",
        "ec2:UnassignPrivateIpAddresses",
    } <= boundary


def test_code_in_a_function_may_not_change_network_interfaces() -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html."""
    of_ec2 = [
        each
        for each in statements(template()["Resources"]["FunctionBoundary"])
        if any(action.startswith("ec2:") for action in actions(each))
    ]
    denied, allowed = of_ec2
    assert (denied["Effect"], allowed["Effect"]) == ("Deny", "Allow")
    assert actions(denied) == actions(allowed)
    assert denied["Condition"] == {"Null": {"lambda:SourceFunctionArn": "false"}}


def objects_of(action: str) -> dict[str, set[str]]:
    """Where the template grants an action of S3 -> the objects."""
    found: dict[str, set[str]] = {}
    for name, resource in template()["Resources"].items():
        for each in statements(resource):
            of = json.dumps(each.get("Resource"))
            if action in actions(each) and "custom-resource-response" not in of:
                found.setdefault(name, set()).add(of)
    return found


def in_bucket(place: str) -> str:
    return json.dumps({"Fn::Sub": f"arn:${{AWS::Partition}}:s3:::{place}"})


EXPORTS = in_bucket("${ExportBucket}/${ExportPrefix}focus/*")
IMPORTS = in_bucket("${ImportBucket}/${ImportPrefix}*")
RESULTS = in_bucket("${ImportBucket}/${ImportPrefix}*.result.json")


def test_only_exports_and_imports_may_write_to_buckets() -> None:
    assert objects_of("s3:PutObject") == {
        "ExportSpendRole": {EXPORTS},
        "ImportUsageRole": {RESULTS},
        "FunctionBoundary": {EXPORTS, RESULTS},
        "S3Endpoint": {EXPORTS, RESULTS},
    }
    for name in ("ExportPrefix", "ImportPrefix"):
        pattern = template()["Parameters"][name]["AllowedPattern"]
        assert pattern.endswith("/)*"), "another folder may begin alike"


def test_nothing_in_the_environment_of_a_function_is_a_secret() -> None:
    for function in functions().values():
        for name, value in function["Environment"]["Variables"].items():
            assert "resolve:" not in json.dumps(value)
            assert name == "TOKEN_MAX_DAYS" or not re.search(r"PASSWORD|TOKEN|KEY", name)
            assert not name.endswith("DATABASE_URL") or value == "", "for local runs only"


def test_only_seeding_reads_the_price_book_and_only_imports_their_files() -> None:
    reading = objects_of("s3:GetObject")
    assert reading["ImportUsageRole"] == {IMPORTS}
    (book,) = reading["SeedPricesRole"]
    assert "${PriceBook}" in book
    assert reading == {
        "ImportUsageRole": {IMPORTS},
        "SeedPricesRole": {book},
        "FunctionBoundary": {IMPORTS, book},
        "S3Endpoint": {IMPORTS, book},
    }
