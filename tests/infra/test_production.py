"""What is deployed: the CloudFormation that AWS makes of template.yaml, read as data. Linters do
not know our promises.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from local.transformed import transformed
from tests.gateway import handlers

ROOT = Path(__file__).parents[2]
JOBS = {
    "SeedPrices",
    "ImportDirectory",
    "IngestUsage",
    "RerateUsage",
    "DeliverAlerts",
    "ExportSpend",
    "ExpireUsage",
    "Migrate",
}
OWN_PARAMETERS = {
    "SeedPrices": {"PriceBook"},
    "DeliverAlerts": {"AlertTopic", "AlertEventBus"},
    "ExpireUsage": {"UsageRetentionMonths"},
}
"""What steers one function alone."""

PASSWORDS = "secretsmanager:GetSecretValue"


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
    """Every policy statement, wherever it stands."""
    return [each for each in nodes(node) if "Effect" in each and "Action" in each]


def actions(statement: dict[str, Any]) -> list[str]:
    found = statement["Action"]
    return found if isinstance(found, list) else [found]


def test_every_route_but_health_and_the_unknown_wants_a_credential() -> None:
    public = {
        (route.method, route.path)
        for module in handlers()
        for route in module.app.routes.values()
        if route.public
    }
    assert public == {("GET", "/healthz"), ("ANY", "$default")}


def test_the_database_is_private_encrypted_backed_up_and_hard_to_delete() -> None:
    (cluster,) = resources("AWS::RDS::DBCluster").values()
    assert (cluster["DeletionPolicy"], cluster["UpdateReplacePolicy"]) == ("Snapshot", "Snapshot")
    settings = cluster["Properties"]
    for promise in (
        "StorageEncrypted",
        "DeletionProtection",
        "EnableIAMDatabaseAuthentication",
        "ManageMasterUserPassword",
    ):
        assert settings[promise] is True, promise
    assert "MasterUserPassword" not in settings
    assert settings["EnableCloudwatchLogsExports"] == ["postgresql"]
    assert template()["Parameters"]["DatabaseBackupDays"]["MinValue"] >= 7
    assert template()["Parameters"]["DatabaseMinCapacity"]["MinValue"] == 0
    (parameters,) = properties("AWS::RDS::DBClusterParameterGroup").values()
    assert parameters["Parameters"]["rds.force_ssl"] == "1"
    instances = properties("AWS::RDS::DBInstance")
    assert len(instances) == 2
    assert all(each["PubliclyAccessible"] is False for each in instances.values())


def test_a_proxy_takes_tls_and_tokens_only() -> None:
    (proxy,) = properties("AWS::RDS::DBProxy").values()
    assert (proxy["RequireTLS"], proxy["DefaultAuthScheme"]) == (True, "IAM_AUTH")


def test_the_network_has_no_way_to_the_internet_and_only_the_functions_reach_the_database() -> None:
    assert not resources(
        "AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::Route", "AWS::EC2::EIP"
    )
    ingress = [
        *properties("AWS::EC2::SecurityGroupIngress").values(),
        *(
            rule
            for group in properties("AWS::EC2::SecurityGroup").values()
            for rule in group.get("SecurityGroupIngress", [])
        ),
    ]
    assert len(ingress) == 3
    for rule in ingress:
        assert "SourceSecurityGroupId" in rule
        assert "CidrIp" not in rule
        assert rule["FromPort"] == rule["ToPort"]
    into_the_database = [
        rule for rule in ingress if rule.get("GroupId") == {"Ref": "DatabaseSecurityGroup"}
    ]
    assert {rule["FromPort"] for rule in into_the_database} == {5432}
    endpoints = {
        json.dumps(each["ServiceName"]): each
        for each in properties("AWS::EC2::VPCEndpoint").values()
    }
    assert len(endpoints) == 4
    assert all("PolicyDocument" in each for each in endpoints.values())


def test_the_resources_leave_room_below_the_limit_of_cloudformation() -> None:
    """A stack takes 500; each function is four, and each route one more."""
    assert len(template()["Resources"]) <= 350


def role_of(name: str) -> str:
    """The logical id of a function's role."""
    return functions()[name]["Role"]["Fn::GetAtt"][0]


def test_every_function_is_traced_and_logs_json_to_a_group_that_forgets() -> None:
    for name, function in functions().items():
        assert function["TracingConfig"] == {"Mode": "Active"}, name
        assert function["LoggingConfig"]["LogFormat"] == "JSON", name
        assert function["LoggingConfig"]["LogGroup"] == {
            "Ref": "JobLogs" if name in JOBS else "RouteLogs"
        }, name
        assert "ReservedConcurrentExecutions" in function
    groups = properties("AWS::Logs::LogGroup")
    assert len(groups) == 3
    assert all(group["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups.values())


def test_functions_that_need_the_database_alone_share_a_role() -> None:
    shared = {name for name in functions() if role_of(name) == "DatabaseRole"}
    own = {"Migrate", "SeedPrices", "DeliverAlerts", "ExportSpend", "IngestUsage"}
    assert shared == functions().keys() - own
    assert all(role_of(name) == f"{name}Role" for name in own)
    roles = properties("AWS::IAM::Role")
    assert all(
        roles[role_of(name)]["PermissionsBoundary"] == {"Ref": "FunctionBoundary"}
        for name in functions()
    )
    managed = "arn:${AWS::Partition}:iam::aws:policy/"
    assert "Policies" not in roles["DatabaseRole"]
    assert roles["DatabaseRole"]["ManagedPolicyArns"] == [
        {"Fn::Sub": f"{managed}service-role/AWSLambdaBasicExecutionRole"},
        {"Fn::Sub": f"{managed}AWSXrayWriteOnlyAccess"},
        {"Fn::Sub": f"{managed}service-role/AWSLambdaVPCAccessExecutionRole"},
        {"Ref": "DatabaseAccess"},
    ]
    (trusted,) = statements(roles["DatabaseRole"]["AssumeRolePolicyDocument"])
    assert trusted["Principal"] == {"Service": "lambda.amazonaws.com"}


def test_no_policy_has_a_wildcard_action_and_only_what_knows_no_resources_has_a_wildcard_resource() -> (
    None
):
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
        if name.removesuffix("Role") in {*functions(), "DatabaseAccess"}
        for each in statements(
            resource["Properties"].get("Policies", resource["Properties"].get("PolicyDocument", []))
        )
        for action in actions(each)
    }
    assert {PASSWORDS, "rds-db:connect", "sqs:SendMessage"} <= granted <= boundary
    # What AWS's managed policies for logs, traces and networks grant, of which a function cannot do
    # without:
    # https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSLambdaVPCAccessExecutionRole.html
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


def test_network_interfaces_are_lambdas_business_and_not_that_of_code_in_a_function() -> None:
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


def test_a_change_of_the_layer_or_of_a_parameter_publishes_a_version_of_every_function() -> None:
    """SAM publishes by a hash of code and environment, in which references stand unresolved."""
    variables = json.dumps(functions()["Directory"]["Environment"]["Variables"])
    said_otherwise = {"DatabaseSecretArn"}  # by Revision
    steering = {*re.findall(r'"Ref": "(\w+)"', variables)} & template()[
        "Parameters"
    ].keys() - said_otherwise
    assert {"AIBudgetsEnabled", "LogLevel", "CorsOrigins"} <= steering
    (shared,) = (
        name for name in resources("AWS::Lambda::LayerVersion") if name.startswith("Shared")
    )
    for name, version in properties("AWS::Lambda::Version").items():
        if name.startswith("ExportSpend"):
            continue  # below
        said = set(re.findall(r"\$\{(\w+)\}", version["Description"]["Fn::Sub"]))
        assert shared in said, name
        own: set[str] = next(
            (said for job, said in OWN_PARAMETERS.items() if name.startswith(job)), set()
        )
        assert {
            *(steering - {"AIBudgetsEnabled", "CorsOrigins"} if own else steering),
            "Revision",
            "Database",
        } <= said
        assert said & set.union(*OWN_PARAMETERS.values()) == own, name
    longest = len(
        "arn:aws-us-gov:lambda:ap-southeast-2:123456789012:layer:SharedLayer0123456789:9999"
    )
    limits = {
        name: template()["Parameters"][name].get("MaxLength", 10)
        for name in ("CorsOrigins", "PriceBook", "Revision", "AlertTopic", "AlertEventBus")
    }
    assert longest + limits["CorsOrigins"] + limits["Revision"] + 30 <= 256
    assert longest + limits["PriceBook"] + limits["Revision"] + 30 <= 256
    assert longest + limits["AlertTopic"] + limits["AlertEventBus"] + limits["Revision"] + 30 <= 256


def test_a_change_of_what_concerns_exports_publishes_a_version_of_what_makes_them() -> None:
    (version,) = (
        each
        for name, each in properties("AWS::Lambda::Version").items()
        if name.startswith("ExportSpend")
    )
    text, named = version["Description"]["Fn::Sub"]
    referred = set(re.findall(r'"Ref": "(\w+)"', json.dumps(named))) | set(
        re.findall(r"\$\{(\w+)\}", text + json.dumps(named))
    )
    variables = json.dumps(functions()["ExportSpend"]["Environment"]["Variables"])
    of_exports = {
        each for each in re.findall(r'"Ref": "(\w+)"', variables) if each.startswith("Export")
    }
    assert len(of_exports) == 4
    assert {
        *resources("AWS::Lambda::LayerVersion"),
        *of_exports,
        "Database",
        "DatabaseProxy",
        "LogLevel",
        "Revision",
    } <= referred
    lengths = {
        name: each.get("MaxLength", 11)
        for name, each in template()["Parameters"].items()
        if name in referred
    }
    key = len("mrk-") + 36
    assert (
        sum(lengths.values())
        - lengths["ExportKmsKeyArn"]
        + key
        + 2 * len("9999 ")
        + text.count(" ")
        <= 256
    )


def test_exports_are_there_only_with_a_bucket_and_alone_have_the_large_layer() -> None:
    conditional = {
        name
        for name, each in template()["Resources"].items()
        if each.get("Condition") == "ExportsSpend"
    }
    (layer,) = (
        name for name in resources("AWS::Lambda::LayerVersion") if name.startswith("Parquet")
    )
    assert {"ExportSpend", "ExportSpendRole", "ExportHeartbeatAlarm", layer} <= conditional
    having = {name for name, each in functions().items() if layer in json.dumps(each["Layers"])}
    assert having == {"ExportSpend"}
    assert len(functions()["ExportSpend"]["Layers"]) == 2


def test_only_exports_may_write_to_the_bucket_below_their_own_prefix_and_the_network_lets_them() -> (
    None
):
    def writes(node: Any) -> list[dict[str, Any]]:
        return [
            each for each in statements(node)
            if "s3:PutObject" in actions(each) and "custom-resource-response" not in json.dumps(each["Resource"])
        ]  # fmt: skip

    holders = {name for name, resource in template()["Resources"].items() if writes(resource)}
    assert holders == {"ExportSpendRole", "FunctionBoundary", "S3Endpoint"}
    assert {json.dumps(each["Resource"]) for each in writes(template()["Resources"])} == {
        json.dumps({"Fn::Sub": "arn:${AWS::Partition}:s3:::${ExportBucket}/${ExportPrefix}focus/*"})
    }
    assert template()["Parameters"]["ExportPrefix"]["AllowedPattern"].endswith("/)*"), (
        "another folder may begin alike"
    )


def test_the_stack_makes_databases_only_where_their_certificates_are_known() -> None:
    shipped = {
        path.stem for path in (ROOT / "layers/shared/allowance/database/certificates").glob("*.pem")
    } - {"all"}
    (regions,) = [
        each["Assert"]["Fn::Contains"][0]
        for each in template()["Rules"]["CreatedDatabase"]["Assertions"]
        if "Fn::Contains" in each["Assert"]
    ]
    assert set(regions) == shipped


def _reserved(function: dict[str, Any]) -> int:
    """The copies that are reserved for it, with parameters as they are by default."""
    condition, reserved, _ = function["ReservedConcurrentExecutions"]["Fn::If"]
    assert condition == "ReservesConcurrency"
    return (
        reserved
        if isinstance(reserved, int)
        else template()["Parameters"][reserved["Ref"]]["Default"]
    )


def test_the_numbers_of_the_operations_guide_are_those_of_the_template() -> None:
    guide = (ROOT / "docs/operations.md").read_text()
    copies_of = {name: _reserved(function) for name, function in functions().items()}
    jobs = JOBS - {"IngestUsage"}
    assert {copies_of[name] for name in jobs} == {1}
    (reserved,) = {copies_of[name] for name in functions().keys() - JOBS}
    of_routes, ingesting = len(functions().keys() - JOBS), copies_of["IngestUsage"]
    copies = sum(copies_of.values())
    assert f"{of_routes} x {reserved} + {len(jobs)} + {ingesting}  =  {copies}" in guide
    for page in (guide, (ROOT / "docs/deploying.md").read_text()):
        assert f"{copies + 100} copies" in page, "Lambda keeps a hundred unreserved"
    assert f"alarms, {len(resources('AWS::CloudWatch::Alarm'))} x" in guide


def test_every_function_may_log_in_to_the_database_as_the_application() -> None:
    roles = properties("AWS::IAM::Role")
    for name in functions():
        assert {"Ref": "DatabaseAccess"} in roles[role_of(name)]["ManagedPolicyArns"], name
    logins = [
        each for each in statements(template()["Resources"]) if "rds-db:connect" in actions(each)
    ]
    users = [re.findall(r"dbuser:[^/\"]+/(\w+)", json.dumps(each["Resource"])) for each in logins]
    assert users
    assert all(set(each) == {"allowance_app"} for each in users)


def test_nothing_in_the_environment_of_a_function_is_a_secret() -> None:
    for function in functions().values():
        for name, value in function["Environment"]["Variables"].items():
            assert "resolve:" not in json.dumps(value)
            assert not re.search(r"PASSWORD|TOKEN|KEY", name)
            assert not name.endswith("DATABASE_URL") or value == "", "for local runs only"


def test_a_deployment_can_take_every_default_and_asks_for_no_secret() -> None:
    for name, parameter in template()["Parameters"].items():
        assert "Default" in parameter, name
        assert "NoEcho" not in parameter, name


def test_each_time_limit_is_within_the_next() -> None:
    role = (ROOT / "migrations" / "0001_roles.sql").read_text()
    lock, statement = (
        int(re.search(rf"{name}_timeout = '(\d+)s'", role)[1])  # type: ignore[index]
        for name in ("lock", "statement")
    )
    (api,) = properties("AWS::ApiGatewayV2::Api").values()
    of_the_api = 30
    assert "timeoutInMillis" not in json.dumps(api), "the API waits its 30 s"
    for name, function in functions().items():
        if name not in JOBS:
            assert lock < statement < function["Timeout"] < of_the_api, name


def test_every_other_function_waits_for_the_migrations_of_its_version() -> None:
    (migrations,) = resources("AWS::CloudFormation::CustomResource").values()
    assert migrations["Properties"]["ServiceToken"] == {"Fn::GetAtt": ["Migrate", "Arn"]}
    assert re.fullmatch(r"MigrateVersion\w+", migrations["Properties"]["Version"]["Ref"])
    assert migrations["Properties"]["ServiceTimeout"] > functions()["Migrate"]["Timeout"]
    for name, function in resources("AWS::Lambda::Function").items():
        assert (function.get("DependsOn") == "Migrations") == (name != "Migrate"), name


def test_new_code_of_a_route_takes_over_bit_by_bit_and_is_rolled_back_by_its_alarms() -> None:
    aliases = resources("AWS::Lambda::Alias")
    groups = properties("AWS::CodeDeploy::DeploymentGroup")
    for name in functions():
        assert aliases[f"{name}Aliaslive"]["Properties"]["Name"] == "live"
        assert ("UpdatePolicy" in aliases[f"{name}Aliaslive"]) == (name not in JOBS), name
        if name not in JOBS:
            group = groups[f"{name}DeploymentGroup"]
            condition, watched, _ = group["AlarmConfiguration"]["Fn::If"]
            assert condition == "RollsBack"
            assert [each["Name"]["Ref"] for each in watched["Alarms"]] == [
                "RouteFailuresAlarm",
                "ServerErrorsAlarm",
            ]
            assert group["AutoRollbackConfiguration"]["Enabled"] is True


def test_the_api_is_throttled_and_its_access_log_tells_no_header() -> None:
    (stage,) = properties("AWS::ApiGatewayV2::Stage").values()
    assert stage["DefaultRouteSettings"] == {
        "DetailedMetricsEnabled": True,
        "ThrottlingBurstLimit": {"Ref": "ThrottlingBurst"},
        "ThrottlingRateLimit": {"Ref": "ThrottlingRate"},
    }
    line = json.loads(stage["AccessLogSettings"]["Format"])
    assert {"requestId", "lambdaRequestId", "route", "status", "ip"} <= line.keys()
    assert not re.search(r"header|authori|token|query|body", json.dumps(line), re.IGNORECASE)


def test_whatever_is_started_by_a_rule_leaves_its_event_when_it_cannot_start() -> None:
    rules = properties("AWS::Events::Rule")
    assert {
        "SeedPricesSchedule",
        "SeedPricesDeployment",
        "RerateUsageSchedule",
        "DeliverAlertsSchedule",
        "ExportSpendSchedule",
        "ExpireUsageSchedule",
    } == rules.keys()
    for name, rule in rules.items():
        (target,) = rule["Targets"]
        assert target["DeadLetterConfig"]["Arn"] == {"Fn::GetAtt": ["DeadLetters", "Arn"]}, name
        assert "MaximumRetryAttempts" in target["RetryPolicy"], name
    queues = properties("AWS::SQS::Queue")
    assert queues["UsageQueue"]["RedrivePolicy"]["deadLetterTargetArn"] == {
        "Fn::GetAtt": ["UsageDeadLetters", "Arn"]
    }


@pytest.mark.parametrize("event", ["SeedPricesSchedule", "SeedPricesDeployment"])
def test_what_starts_a_seeding_tries_again_and_then_keeps_the_event(event: str) -> None:
    (target,) = properties("AWS::Events::Rule")[event]["Targets"]
    assert target["DeadLetterConfig"]["Arn"] == {"Fn::GetAtt": ["DeadLetters", "Arn"]}
    assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0
    invocation = properties("AWS::Lambda::EventInvokeConfig")["SeedPricesEventInvokeConfig"]
    assert invocation["DestinationConfig"]["OnFailure"]["Destination"] == {
        "Fn::GetAtt": ["DeadLetters", "Arn"]
    }
    allowed = [
        each
        for each in statements(template()["Resources"]["DeadLettersPolicy"])
        if each["Effect"] == "Allow"
    ]
    assert [each["Principal"] for each in allowed] == [{"Service": "events.amazonaws.com"}]


def test_every_alarm_tells_somebody_and_what_was_promised_is_watched() -> None:
    alarms = properties("AWS::CloudWatch::Alarm")
    assert {json.dumps(alarm["AlarmActions"]) for alarm in alarms.values()} == {
        '[{"Ref": "AlarmTopic"}]'
    }
    assert all(alarm["AlarmDescription"] for alarm in alarms.values())
    assert {alarm["MetricName"] for alarm in alarms.values()} == {
        "5xx",
        "ACUUtilization",
        "ApproximateNumberOfMessagesVisible",
        "CPUUtilization",
        "DatabaseConnections",
        "FreeLocalStorage",
        "IntegrationLatency",
        "JobFailures",
        "NewlyHeldPriceChanges",
        "OldestAlertAge",
        "PriceBookFallbacks",
        "RouteFailures",
        "ServerErrors",
        "Succeeded",
        "Throttles",
        "UsageMonthsPostponed",
    }
    heartbeat = alarms["SeedHeartbeatAlarm"]
    assert (heartbeat["TreatMissingData"], heartbeat["ComparisonOperator"]) == (
        "breaching",
        "LessThanThreshold",
    )


def test_the_metrics_that_are_watched_are_those_that_are_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from allowance.metrics import (
        count_alerts,
        count_expired_usage,
        count_job,
        count_price_book,
        count_request,
    )
    from allowance.rbac.system import PRICE_SEEDER

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POWERTOOLS_SERVICE_NAME", "allowance")
        count_request("GET /healthz", "ok", 200, database_ms=1.5, cold=True)
        count_price_book(held=2, newly_held=1, fell_back=False)
        count_alerts(delivered=1, failing=0, oldest_seconds=0)
        count_expired_usage(dropped=1, postponed=True)
        count_job(PRICE_SEEDER.name, succeeded=True)
    written = {
        (
            metric["Name"],
            frozenset(line[name] for name in dimensions)
            if "job" in line
            else frozenset(dimensions),
        )
        for line in map(json.loads, capsys.readouterr().out.splitlines())
        for directive in line["_aws"]["CloudWatchMetrics"]
        for dimensions in directive["Dimensions"]
        for metric in directive["Metrics"]
    }
    assert ("ServerErrors", frozenset({"service"})) in written
    assert {
        (name, frozenset({"service"}))
        for name in (
            "PriceBookFallbacks",
            "NewlyHeldPriceChanges",
            "OldestAlertAge",
            "UsageMonthsPostponed",
        )
    } <= written
    assert ("Requests", frozenset({"service", "route", "outcome"})) in written
    heartbeat = properties("AWS::CloudWatch::Alarm")["SeedHeartbeatAlarm"]["Dimensions"]
    names = frozenset(
        "allowance" if isinstance(each["Value"], dict) else each["Value"] for each in heartbeat
    )
    assert ("Succeeded", names) in written


def test_the_dashboard_can_be_read_and_shows_what_there_is() -> None:
    (dashboard,) = properties("AWS::CloudWatch::Dashboard").values()
    body, named = dashboard["DashboardBody"]["Fn::Sub"]
    widgets = json.loads(body)["widgets"]
    assert len(widgets) == 8
    known = {*template()["Resources"], *named}
    assert {
        each for each in re.findall(r"\$\{(\w+)\}", body) if not each.startswith("AWS::")
    } <= known
    filters = properties("AWS::Logs::MetricFilter").values()
    counted = {each["MetricTransformations"][0]["MetricName"] for each in filters}
    assert all(f'"{name}"' in body for name in counted)


def test_only_the_seeding_may_read_the_price_book_and_the_network_lets_it() -> None:
    def reads(node: Any) -> list[dict[str, Any]]:
        return [each for each in statements(node) if "s3:GetObject" in actions(each)]

    holders = {name for name, resource in template()["Resources"].items() if reads(resource)}
    assert holders == {"SeedPricesRole", "FunctionBoundary", "S3Endpoint"}
    objects = {json.dumps(each["Resource"]) for each in reads(template()["Resources"])}
    assert len(objects) == 1
    assert "${PriceBook}" in objects.pop()


def test_only_the_delivery_of_alerts_may_publish_them_and_only_to_where_they_go() -> None:
    granted = {
        action: {
            name
            for name, resource in template()["Resources"].items()
            for each in statements(resource)
            if action in actions(each) and each["Effect"] == "Allow"
        }
        for action in ("sns:Publish", "events:PutEvents", "kms:GenerateDataKey")
    }
    assert granted == {
        "sns:Publish": {"DeliverAlertsRole", "FunctionBoundary", "SnsEndpoint"},
        "events:PutEvents": {"DeliverAlertsRole", "FunctionBoundary", "EventsEndpoint"},
        "kms:GenerateDataKey": {"DeliverAlertsRole", "ExportSpendRole", "FunctionBoundary"},
    }
    topic = {"Fn::If": ["CreatesAlertTopic", {"Ref": "SpendAlerts"}, {"Ref": "AlertTopic"}]}
    for each in statements(template()["Resources"]):
        if "sns:Publish" in actions(each) and each["Effect"] == "Allow":
            assert each["Resource"] == topic
        if "events:PutEvents" in actions(each):
            assert each["Resource"]["Fn::Sub"].endswith(":event-bus/${AlertEventBus}")
        if "kms:GenerateDataKey" in actions(each):
            assert each["Condition"]["StringEquals"]["kms:ViaService"]["Fn::Sub"].startswith(
                ("sns.", "s3.")
            )
    variables = functions()["DeliverAlerts"]["Environment"]["Variables"]
    assert variables["ALERT_TOPIC_ARN"] == {"Fn::If": ["HasAlertTopic", topic, ""]}
    assert variables["ALERT_EVENT_BUS"] == {
        "Fn::If": ["HasAlertEventBus", {"Ref": "AlertEventBus"}, ""]
    }


def test_the_topic_of_alerts_is_encrypted_and_taken_from_tls_only() -> None:
    topic = resources("AWS::SNS::Topic")["SpendAlerts"]
    assert topic["Properties"]["KmsMasterKeyId"] == "alias/aws/sns"
    (policy,) = properties("AWS::SNS::TopicPolicy").values()
    (statement,) = statements(policy)
    assert (policy["Topics"], statement["Effect"]) == ([{"Ref": "SpendAlerts"}], "Deny")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize(
    ("given", "is_one"),
    [
        ("create", True),
        ("none", True),
        ("", False),
        ("arn:aws:sns:eu-west-1:123456789012:spend", True),
        ("arn:aws-us-gov:sns:us-gov-west-1:123456789012:spend.fifo", True),
        ("spend", False),
        ("arn:aws:sqs:eu-west-1:123456789012:spend", False),
        ("arn:aws:sns:eu-west-1:123456789012:spend:subscription", False),
    ],
)
def test_what_the_parameter_takes_for_a_topic_the_function_does_too(
    given: str, *, is_one: bool
) -> None:
    from allowance.alerts.settings import TOPIC_ARN

    pattern = template()["Parameters"]["AlertTopic"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, given)) == is_one
    if given not in ("create", "none"):
        assert bool(TOPIC_ARN.fullmatch(given)) == is_one


def test_a_run_of_the_delivery_of_alerts_ends_before_its_function_and_a_lease_after_it() -> None:
    from allowance.alerts import delivery as alert_store
    from allowance.alerts import receivers as alert_receivers

    longest_call = alert_receivers.CONNECT_SECONDS + alert_receivers.ANSWER_SECONDS
    the_database = 2 * 5
    timeout = functions()["DeliverAlerts"]["Timeout"]
    assert alert_store.CLAIMING_SECONDS < alert_store.SENDING_SECONDS
    assert (
        alert_store.SENDING_SECONDS + longest_call + the_database
        <= timeout
        < alert_store.LEASE_SECONDS
    )
    until_it_is_repeated = alert_store.LEASE_SECONDS + 2 * 60
    assert until_it_is_repeated < 5 * 60, "a FIFO topic knows a repetition for five minutes"
    invocation = properties("AWS::Lambda::EventInvokeConfig")["DeliverAlertsEventInvokeConfig"]
    assert invocation["MaximumRetryAttempts"] == 0


def test_a_database_that_may_pause_is_woken_by_alerts_once_an_hour_only() -> None:
    rule = properties("AWS::Events::Rule")["DeliverAlertsSchedule"]
    assert rule["ScheduleExpression"] == {
        "Fn::If": ["PausesDatabase", "rate(1 hour)", "rate(1 minute)"]
    }
    from allowance.alerts.delivery import (
        FIRST_DELAY_SECONDS,
        LONGEST_DELAY_SECONDS,
        PERSISTENT_ATTEMPTS,
    )

    planned = (
        min(FIRST_DELAY_SECONDS * 2**n, LONGEST_DELAY_SECONDS)
        for n in range(PERSISTENT_ATTEMPTS - 1)
    )
    threshold = properties("AWS::CloudWatch::Alarm")["LateAlertsAlarm"]["Threshold"]
    assert threshold == {"Fn::If": ["PausesDatabase", 7200, sum(planned)]}
