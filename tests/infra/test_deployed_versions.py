"""What publishes a new version of a function, and how a version takes over."""

import json
import re

import pytest

from tests.deployed import JOBS, functions, properties, resources, template
from tests.template import template as source

OWN_PARAMETERS = {
    "SeedPrices": {"PriceBook"},
    "DeliverAlerts": {"AlertTopic", "AlertEventBus"},
    "ExpireUsage": {"UsageRetentionMonths"},
    "Tokens": {"TokenMaxDays"},
}
"""The parameters that only one function uses."""

UNPRICED = {"UnpricedModels", "AssumedInputPrice", "AssumedOutputPrice"}
DECIDING = ("AiPolicies", "ReserveAiSpend")
"""The functions that use the parameters UNPRICED."""

READING = {
    "Alerts",
    "Audit",
    "Directory",
    "Documentation",
    "Exports",
    "GetGroupBudget",
    "Health",
    "Overview",
    "Reservations",
    "Spend",
}
"""The functions of routes that write nothing."""


def test_the_resources_leave_room_below_the_limit_of_cloudformation() -> None:
    """A stack takes 500; each function is four, and each route one more."""
    assert len(template()["Resources"]) <= 350


def test_a_changed_layer_or_parameter_publishes_every_function() -> None:
    """SAM hashes code and environment to publish; the hash does not resolve references."""
    variables = json.dumps(functions()["Directory"]["Environment"]["Variables"])
    covered_by_revision = {"DatabaseSecretArn", "RestoredHost"}
    steering = {*re.findall(r'"Ref": "(\w+)"', variables)} & template()[
        "Parameters"
    ].keys() - covered_by_revision
    assert {"AIBudgetsEnabled", "LogLevel", "CorsOrigins"} <= steering
    (shared,) = (
        name for name in resources("AWS::Lambda::LayerVersion") if name.startswith("Shared")
    )
    for name, version in properties("AWS::Lambda::Version").items():
        if name.startswith(("ExportSpend", "Gateways", "ImportUsage", *DECIDING)):
            continue  # the next tests
        named = set(re.findall(r"\$\{(\w+)\}", version["Description"]["Fn::Sub"]))
        assert shared in named, name
        own: set[str] = next(
            (alone for job, alone in OWN_PARAMETERS.items() if name.startswith(job)), set()
        )
        assert {
            *(steering - {"AIBudgetsEnabled", "CorsOrigins"} if own else steering),
            "Revision",
            "Database",
        } <= named
        assert named & set.union(*OWN_PARAMETERS.values()) == own, name
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


def test_a_changed_parameter_of_decisions_publishes_their_functions() -> None:
    versions = {
        name: each["Description"]["Fn::Sub"]
        for name, each in properties("AWS::Lambda::Version").items()
        if name.startswith(DECIDING)
    }
    assert len(versions) == len(DECIDING)
    (text, named), *others = versions.values()
    assert others == [[text, named]]
    assert "Shared" in json.dumps(named)
    found = set(re.findall(r"\$\{(\w+)\}", text)) - named.keys()
    assert found == {
        *UNPRICED,
        *("Revision", "Database", "DatabaseProxy", "AIBudgetsEnabled", "LogLevel", "CorsOrigins"),
    }
    for name in DECIDING:
        variables = json.dumps(functions()[name]["Environment"]["Variables"])
        assert set(re.findall(r'"Ref": "(\w+)"', variables)) >= UNPRICED
    lengths = {
        name: max(map(len, each.get("AllowedValues", ["x" * each.get("MaxLength", 13)])))
        for name, each in template()["Parameters"].items()
        if name in found
    }
    assert sum(lengths.values()) + len("9999") + text.count(" ") <= 256


def test_a_changed_parameter_publishes_the_doors_which_decide_and_count() -> None:
    (deciding, *_), (doors,) = (
        [
            each["Description"]["Fn::Sub"]
            for name, each in properties("AWS::Lambda::Version").items()
            if name.startswith(prefix)
        ]
        for prefix in (DECIDING, "Gateways")
    )
    assert doors == [f"{deciding[0]} ${{AlertThresholds}}", deciding[1]]
    variables = functions()["Gateways"]["Environment"]["Variables"]
    assert {"Ref": "AlertThresholds"} in variables.values()
    assert variables.items() >= functions()["ReserveAiSpend"]["Environment"]["Variables"].items()


@pytest.mark.parametrize(
    ("function", "own", "parameters", "layers"),
    [
        ("ExportSpend", "Export", 4, {"Shared", "Parquet"}),
        ("ImportUsage", "Import", 3, {"Shared", "Client"}),
    ],
)
def test_a_changed_parameter_of_files_publishes_their_function(
    function: str, own: str, parameters: int, layers: set[str]
) -> None:
    (version,) = (
        each
        for name, each in properties("AWS::Lambda::Version").items()
        if name.startswith(function)
    )
    text, named = version["Description"]["Fn::Sub"]
    referred = set(re.findall(r'"Ref": "(\w+)"', json.dumps(named))) | set(
        re.findall(r"\$\{(\w+)\}", text + json.dumps(named))
    )
    variables = json.dumps(functions()[function]["Environment"]["Variables"])
    of_files = {each for each in re.findall(r'"Ref": "(\w+)"', variables) if each.startswith(own)}
    assert len(of_files) == parameters
    assert {
        *(
            name
            for name in resources("AWS::Lambda::LayerVersion")
            if name.startswith(tuple(layers))
        ),
        *of_files,
        "Database",
        "DatabaseProxy",
        "LogLevel",
        "Revision",
    } <= referred
    lengths = {
        name: each.get("MaxLength", 19 if name == "AlertThresholds" else 11)
        for name, each in template()["Parameters"].items()
        if name in referred
    }
    key = len("mrk-") + 36
    assert (
        sum(lengths.values())
        - lengths[f"{own}KmsKeyArn"]
        + key
        + 2 * len("9999 ")
        + text.count(" ")
        <= 256
    )


@pytest.mark.parametrize(
    ("condition", "layer_name", "function"),
    [("ExportsSpend", "Parquet", "ExportSpend"), ("ImportsUsage", "Client", "ImportUsage")],
)
def test_a_job_of_files_needs_a_bucket_and_alone_has_its_layer(
    condition: str, layer_name: str, function: str
) -> None:
    conditional = {
        name for name, each in template()["Resources"].items() if each.get("Condition") == condition
    }
    (layer,) = (
        name for name in resources("AWS::Lambda::LayerVersion") if name.startswith(layer_name)
    )
    assert {function, f"{function}Role", layer} <= conditional
    assert ("ExportHeartbeatAlarm" in conditional) == (function == "ExportSpend")
    having = {name for name, each in functions().items() if layer in json.dumps(each["Layers"])}
    assert having == {function}
    assert len(functions()[function]["Layers"]) == 2


def test_a_deployment_can_take_every_default_and_asks_for_no_secret() -> None:
    for name, parameter in template()["Parameters"].items():
        assert "Default" in parameter, name
        assert "NoEcho" not in parameter, name


def test_a_function_that_moves_at_once_has_no_route_that_writes() -> None:
    methods = {
        name: {
            event["Properties"].get("Method", "GET")
            for event in each["Properties"]["Events"].values()
        }
        for name, each in source()["Resources"].items()
        if each["Type"] == "AWS::Serverless::Function" and name not in JOBS
    }
    assert {name for name, used in methods.items() if used == {"GET"}} == READING


def test_new_code_that_writes_shifts_gradually_and_alarms_roll_it_back() -> None:
    aliases = resources("AWS::Lambda::Alias")
    groups = properties("AWS::CodeDeploy::DeploymentGroup")
    for name in functions():
        assert aliases[f"{name}Aliaslive"]["Properties"]["Name"] == "live"
        shifts = name not in JOBS | READING
        assert ("UpdatePolicy" in aliases[f"{name}Aliaslive"]) == shifts, name
        if shifts:
            group = groups[f"{name}DeploymentGroup"]
            condition, watched, _ = group["AlarmConfiguration"]["Fn::If"]
            assert condition == "RollsBack"
            assert [each["Name"]["Ref"] for each in watched["Alarms"]] == [
                "RouteFailuresAlarm",
                "ServerErrorsAlarm",
            ]
            assert group["AutoRollbackConfiguration"]["Enabled"] is True
