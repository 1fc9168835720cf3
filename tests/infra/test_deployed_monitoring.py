"""Logs, metrics, alarms and events that are kept for operators."""

import json
import re
from typing import Any

import pytest

from tests.conditions import present
from tests.deployed import (
    JOBS,
    ROOT,
    functions,
    properties,
    resources,
    role_of,
    statements,
    template,
)


def test_every_function_is_traced_and_its_json_logs_expire() -> None:
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


def reserved_concurrency(function: dict[str, Any]) -> int:
    """The reserved concurrency of a function, with default parameters."""
    condition, reserved, _ = function["ReservedConcurrentExecutions"]["Fn::If"]
    assert condition == "ReservesConcurrency"
    return (
        reserved
        if isinstance(reserved, int)
        else template()["Parameters"][reserved["Ref"]]["Default"]
    )


def test_the_operations_guide_has_the_numbers_of_the_template() -> None:
    guide = (ROOT / "docs/operations.md").read_text()
    copies_of = {name: reserved_concurrency(function) for name, function in functions().items()}
    jobs = JOBS - {"IngestUsage"}
    assert {copies_of[name] for name in jobs} == {1}
    (reserved,) = {copies_of[name] for name in functions().keys() - JOBS}
    of_routes, ingesting = len(functions().keys() - JOBS), copies_of["IngestUsage"]
    copies = sum(copies_of.values())
    assert f"{of_routes} x {reserved} + {len(jobs)} + {ingesting}  =  {copies}" in guide
    for page in (guide, (ROOT / "docs/deploying.md").read_text()):
        assert f"{copies + 100} copies" in page, "Lambda keeps a hundred unreserved"
    assert f"alarms, {len(resources('AWS::CloudWatch::Alarm'))} x" in guide


def test_the_api_is_throttled_and_its_access_log_has_no_header() -> None:
    (stage,) = properties("AWS::ApiGatewayV2::Stage").values()
    assert stage["DefaultRouteSettings"] == {
        "DetailedMetricsEnabled": True,
        "ThrottlingBurstLimit": {"Ref": "ThrottlingBurst"},
        "ThrottlingRateLimit": {"Ref": "ThrottlingRate"},
    }
    line = json.loads(stage["AccessLogSettings"]["Format"])
    assert {"requestId", "lambdaRequestId", "route", "status", "ip"} <= line.keys()
    assert not re.search(r"header|authori|token|query|body", json.dumps(line), re.IGNORECASE)


def test_a_rule_that_cannot_start_its_target_keeps_the_event() -> None:
    rules = properties("AWS::Events::Rule")
    assert {
        "SeedPricesSchedule",
        "SeedPricesDeployment",
        "RerateUsageSchedule",
        "AttributeUsageSchedule",
        "DeliverAlertsSchedule",
        "ExportSpendSchedule",
        "ImportUsageObject",
        "ExpireUsageSchedule",
        "ExpireOverridesSchedule",
    } == rules.keys()
    for name, rule in rules.items():
        (target,) = rule["Targets"]
        assert target["DeadLetterConfig"]["Arn"] == {"Fn::GetAtt": ["DeadLetters", "Arn"]}, name
        assert "MaximumRetryAttempts" in target["RetryPolicy"], name


def test_dead_letters_accept_the_events_of_this_stacks_rules_by_their_arns() -> None:
    """CloudFormation cuts a long name of a stack in the names of its rules."""
    policy = present(ExportBucket="finops", ImportBucket="logs")["DeadLettersPolicy"]
    (allowed,) = [each for each in statements(policy) if each["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "events.amazonaws.com"}
    assert allowed["Condition"].keys() == {"ArnEquals"}
    sources = allowed["Condition"]["ArnEquals"]["aws:SourceArn"]
    rules = properties("AWS::Events::Rule")
    assert sorted(each["Fn::GetAtt"][0] for each in sources) == sorted(rules)
    assert {each["Fn::GetAtt"][1] for each in sources} == {"Arn"}


def test_lambda_repeats_a_failed_job_as_the_template_says() -> None:
    """A target's RetryPolicy is for the delivery. Without a configuration, Lambda repeats twice."""
    configured = properties("AWS::Lambda::EventInvokeConfig")
    retries = {
        name.removesuffix("EventInvokeConfig"): each["MaximumRetryAttempts"]
        for name, each in configured.items()
    }
    assert retries == {
        "SeedPrices": 2,
        "ExportSpend": 2,
        "ImportUsage": 2,
        "RerateUsage": 0,
        "AttributeUsage": 0,
        "ExpireUsage": 0,
        "ExpireOverrides": 0,
        "DeliverAlerts": 0,
    }
    rules = properties("AWS::Events::Rule")
    started = {re.sub("(Schedule|Deployment|Object)$", "", name) for name in rules}
    assert retries.keys() == started
    for name, each in configured.items():
        job = name.removesuffix("EventInvokeConfig")
        kept = each.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        assert (kept == {"Fn::GetAtt": ["DeadLetters", "Arn"]}) == (retries[job] > 0), name
        sends = "sqs:SendMessage" in json.dumps(statements(template()["Resources"][role_of(job)]))
        assert sends == (retries[job] > 0), name


@pytest.mark.parametrize("event", ["SeedPricesSchedule", "SeedPricesDeployment"])
def test_a_seeding_event_is_retried_and_then_kept(event: str) -> None:
    (target,) = properties("AWS::Events::Rule")[event]["Targets"]
    assert target["DeadLetterConfig"]["Arn"] == {"Fn::GetAtt": ["DeadLetters", "Arn"]}
    assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0
    invocation = properties("AWS::Lambda::EventInvokeConfig")["SeedPricesEventInvokeConfig"]
    assert invocation["DestinationConfig"]["OnFailure"]["Destination"] == {
        "Fn::GetAtt": ["DeadLetters", "Arn"]
    }


def test_every_alarm_notifies_and_every_promised_metric_has_one() -> None:
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
        "LostUsage",
        "NewlyHeldPriceChanges",
        "OldestAlertAge",
        "PriceBookFallbacks",
        "RefusedDecisions",
        "RouteFailures",
        "ServerErrors",
        "Succeeded",
        "Throttles",
        "UnattributedUsage",
        "UnpricedTokens",
        "UsageMonthsPostponed",
        "UsersOverLimit",
    }
    heartbeat = alarms["SeedHeartbeatAlarm"]
    assert (heartbeat["TreatMissingData"], heartbeat["ComparisonOperator"]) == (
        "breaching",
        "LessThanThreshold",
    )


def test_the_watched_metrics_are_the_written_metrics(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from allowance import metrics
    from allowance.rbac.system import PRICE_SEEDER

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POWERTOOLS_SERVICE_NAME", "allowance")
        metrics.count_request("GET /healthz", "ok", 200, database_ms=1.5, cold=True)
        metrics.count_price_book(held=2, newly_held=1, fell_back=False)
        metrics.count_alerts(delivered=1, failing=0, oldest_seconds=0)
        metrics.count_overspending(users_over_limit=1, unpriced_tokens=1)
        metrics.count_refused_decision()
        metrics.count_expired_usage(dropped=1, postponed=1)
        metrics.count_unattributed_usage(1)
        metrics.count_lost_usage(1)
        metrics.count_job(PRICE_SEEDER.name, succeeded=True)
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
            "LostUsage",
            "PriceBookFallbacks",
            "NewlyHeldPriceChanges",
            "OldestAlertAge",
            "RefusedDecisions",
            "UnattributedUsage",
            "UnpricedTokens",
            "UsageMonthsPostponed",
            "UsersOverLimit",
        )
    } <= written
    assert ("Requests", frozenset({"service", "route", "outcome"})) in written
    heartbeat = properties("AWS::CloudWatch::Alarm")["SeedHeartbeatAlarm"]["Dimensions"]
    names = frozenset(
        "allowance" if isinstance(each["Value"], dict) else each["Value"] for each in heartbeat
    )
    assert ("Succeeded", names) in written


def test_the_dashboard_is_valid_and_shows_existing_resources() -> None:
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
