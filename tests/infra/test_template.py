"""template.yaml, read as data. Linters do not know our promises."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from allowance.access.session import JOB_PATIENCE_SECONDS
from allowance.http.routes import ROUTES
from tests.gateway import JOBS, routes
from tests.template import template

ROOT = Path(__file__).parents[2]
FUNCTIONS = ROOT / "functions"
TRIGGERS = {
    "SeedPrices": "seed_prices",
    "ImportDirectory": "import_directory",
    "IngestUsage": "ingest_usage",
    "ImportUsage": "import_usage",
    "RerateUsage": "rerate_usage",
    "AttributeUsage": "attribute_usage",
    "DeliverAlerts": "deliver_alerts",
    "ExportSpend": "export_spend",
    "ExpireUsage": "expire_usage",
    "ExpireOverrides": "expire_overrides",
    "Migrate": "migrate",
}
EVERY_MINUTE = {"AttributeUsage", "DeliverAlerts", "ExpireOverrides"}
"""Jobs that run every minute: see test_deployed_alerts."""


@cache
def functions() -> dict[str, dict[str, Any]]:
    return {
        name: resource["Properties"]
        for name, resource in template()["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def http_routes(properties: dict[str, Any]) -> list[tuple[str, str]]:
    events = [
        event for event in properties.get("Events", {}).values() if event["Type"] == "HttpApi"
    ]
    return [
        (event["Properties"].get("Method", "ANY"), event["Properties"].get("Path", "$default"))
        for event in events
    ]


def test_every_file_of_functions_is_one_lambda_and_the_reverse() -> None:
    modules = [
        properties["Handler"].removesuffix(".handler") for properties in functions().values()
    ]
    files = {path.stem for path in FUNCTIONS.glob("*.py")} | {"migrate"}
    assert sorted(modules) == sorted(files)
    for name, properties in functions().items():
        pascal = "".join(
            part.capitalize() for part in properties["Handler"].split(".")[0].split("_")
        )
        assert name == pascal


def test_the_template_and_the_file_of_a_function_have_the_same_routes() -> None:
    served: dict[str, list[tuple[str, str]]] = {}
    for route, module in routes().items():
        served.setdefault(module.__name__, []).append(route)
    assert len(served) < len(routes()), "some functions have several routes"
    for properties in functions().values():
        module = properties["Handler"].removesuffix(".handler")
        assert sorted(http_routes(properties)) == sorted(served.get(module, [])), module


def test_the_routes_of_the_seed_and_of_usage_have_a_function_each() -> None:
    paths = {"get_group_budget": 2, "put_group_budget": 2, "delete_group_budget": 2}
    for name in (*paths, "record_usage"):
        (function,) = (
            each for each in functions().values() if each["Handler"] == f"{name}.handler"
        )
        assert len(http_routes(function)) == paths.get(name, 1), name


def test_no_route_belongs_to_two_functions() -> None:
    served = [route for properties in functions().values() for route in http_routes(properties)]
    assert len(served) == len(set(served)) == len(routes())


def test_the_table_of_routes_is_the_templates() -> None:
    served = [route for properties in functions().values() for route in http_routes(properties)]
    assert sorted(ROUTES) == sorted(route for route in served if route[1] != "$default")


def test_functions_and_their_events_are_in_the_order_of_paths() -> None:
    def position(route: tuple[str, str]) -> tuple[bool, str]:
        return route[1] == "$default", route[1]

    served = [list(map(position, http_routes(each))) for each in functions().values()]
    served = [each for each in served if each]
    assert all(each == sorted(each) for each in served)
    assert [min(each) for each in served] == sorted(min(each) for each in served)


def test_jobs_have_the_names_that_operators_call() -> None:
    assert {
        name: functions()[name]["Handler"].removesuffix(".handler") for name in TRIGGERS
    } == TRIGGERS
    assert set(JOBS) == set(TRIGGERS.values()) - {"migrate"}
    assert "Events" not in functions()["ImportDirectory"]
    assert "Events" not in functions()["Migrate"]


def test_prices_are_seeded_on_a_schedule_and_once_per_deployment() -> None:
    events = functions()["SeedPrices"]["Events"]
    assert {event["Type"] for event in events.values()} == {"Schedule", "EventBridgeRule"}
    pattern = events["Deployment"]["Properties"]["Pattern"]
    assert pattern["source"] == ["aws.cloudformation"]
    assert pattern["resources"] == [{"Ref": "AWS::StackId"}]
    assert pattern["detail"]["status-details"]["status"] == ["CREATE_COMPLETE", "UPDATE_COMPLETE"]


def test_every_schedule_is_a_parameter_whose_default_is_one() -> None:
    schedules = {
        name: event["Properties"]["Schedule"]["Ref"]
        for name, properties in functions().items()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "Schedule" and name not in EVERY_MINUTE
    }
    assert schedules == {
        "SeedPrices": "SeedSchedule",
        "RerateUsage": "RerateSchedule",
        "ExpireUsage": "ExpireSchedule",
        "ExportSpend": "ExportSchedule",
    }
    for name in schedules.values():
        default = template()["Parameters"][name]["Default"]
        assert re.fullmatch(r"rate\(\d+ (hours?|days?)\)|cron\(\d+ \d+ \* \* \? \*\)", default)


def test_queued_usage_fails_by_message_and_stays_hidden_while_in_work() -> None:
    (source,) = functions()["IngestUsage"]["Events"].values()
    assert source["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    # With fewer copies, Lambda refuses deliveries, and each refusal counts as an attempt.
    scaling = source["Properties"]["ScalingConfig"]["MaximumConcurrency"]
    condition, reserved, nothing = functions()["IngestUsage"]["ReservedConcurrentExecutions"][
        "Fn::If"
    ]
    assert (condition, scaling, nothing) == (
        "ReservesConcurrency",
        reserved,
        {"Ref": "AWS::NoValue"},
    )
    assert template()["Parameters"][scaling["Ref"]]["MinValue"] == 2, "AWS accepts no fewer"
    queue = template()["Resources"]["UsageQueue"]["Properties"]
    assert queue["VisibilityTimeout"] >= 6 * functions()["IngestUsage"]["Timeout"]


def test_queued_usage_survives_a_database_that_is_away_for_days() -> None:
    queue = template()["Resources"]["UsageQueue"]["Properties"]
    outage = queue["RedrivePolicy"]["maxReceiveCount"] * queue["VisibilityTimeout"]
    assert 6 * 86400 <= outage < queue["MessageRetentionPeriod"]
    assert queue["RedrivePolicy"]["maxReceiveCount"] <= 1000, "the limit of SQS"
    variables = functions()["IngestUsage"]["Environment"]["Variables"]
    assert variables["DEAD_LETTERS_URL"] == {"Ref": "UsageDeadLetters"}
    # It waits up to 30 s for the database, and up to 5 s for each of ten messages.
    assert functions()["IngestUsage"]["Timeout"] >= JOB_PATIENCE_SECONDS + 5 * 10


def test_all_functions_run_python_3_13_on_the_parameters_architecture() -> None:
    defaults = template()["Globals"]["Function"]
    assert (defaults["Runtime"], defaults["Architectures"]) == (
        "python3.13",
        [{"Ref": "Architecture"}],
    )
    assert template()["Parameters"]["Architecture"]["Default"] == "arm64"
    assert not [
        name
        for name, properties in functions().items()
        if {"Runtime", "Architectures"} & properties.keys()
    ]


def test_the_feature_gate_is_open_by_default() -> None:
    assert template()["Parameters"]["AIBudgetsEnabled"]["Default"] == "true"
    variables = template()["Globals"]["Function"]["Environment"]["Variables"]
    assert variables["AI_BUDGETS_ENABLED"] == {"Ref": "AIBudgetsEnabled"}


def test_no_file_is_longer_than_a_person_reads() -> None:
    folders = ("functions", "layers", "migrations", "local", "bench")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    assert {
        path.name: lines for path in files if (lines := len(path.read_text().splitlines())) > 300
    } == {}


@pytest.mark.parametrize(("layer", "libraries"), [("shared", 4), ("parquet", 1)])
def test_a_layers_requirements_are_the_locks(layer: str, libraries: int) -> None:
    required = re.findall(
        r"^([\w-]+)==(\S+)", (ROOT / f"layers/{layer}/requirements.txt").read_text(), re.MULTILINE
    )
    assert len(required) >= libraries
    lock = (ROOT / "uv.lock").read_text()
    for name, version in required:
        assert f'name = "{name}"\nversion = "{version}"' in lock
