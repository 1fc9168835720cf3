"""The deployed delivery of spend alerts: permissions, topic, schedule and time limits."""

import re

import pytest

from tests.deployed import actions, functions, properties, resources, statements, template


def test_only_alert_delivery_may_publish_and_only_to_its_receivers() -> None:
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
        "kms:GenerateDataKey": {
            "DeliverAlertsRole",
            "ExportSpendRole",
            "FunctionBoundary",
            "ImportUsageRole",
        },
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
    assert variables["ALERT_THRESHOLDS"] == {"Ref": "AlertThresholds"}
    assert variables["ALERT_API_URL"] == template()["Outputs"]["ApiUrl"]["Value"]


def test_the_alert_topic_is_encrypted_and_accepts_tls_only() -> None:
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
def test_parameter_and_function_accept_the_same_topics(given: str, *, is_one: bool) -> None:
    from allowance.alerts.settings import TOPIC_ARN

    pattern = template()["Parameters"]["AlertTopic"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, given)) == is_one
    if given not in ("create", "none"):
        assert bool(TOPIC_ARN.fullmatch(given)) == is_one


def test_a_delivery_run_ends_before_its_timeout_and_its_lease_after_it() -> None:
    from allowance.alerts import delivery as alert_store
    from allowance.alerts import evaluation
    from allowance.alerts import receivers as alert_receivers

    longest_call = alert_receivers.CONNECT_SECONDS + alert_receivers.ANSWER_SECONDS
    the_database = 2 * 5
    # The queue and the budgets, each with its last statement, and three other statements.
    evaluating = 2 * (evaluation.EVALUATING_SECONDS + 5) + 3 * 5
    timeout = functions()["DeliverAlerts"]["Timeout"]
    assert alert_store.CLAIMING_SECONDS < alert_store.SENDING_SECONDS
    assert (
        evaluating + alert_store.SENDING_SECONDS + longest_call + the_database
        <= timeout
        < min(alert_store.LEASE_SECONDS, evaluation.LEASE_SECONDS)
    )
    until_it_is_repeated = alert_store.LEASE_SECONDS + 2 * 60
    assert until_it_is_repeated < 5 * 60, "a FIFO topic knows a repetition for five minutes"
    invocation = properties("AWS::Lambda::EventInvokeConfig")["DeliverAlertsEventInvokeConfig"]
    assert invocation["MaximumRetryAttempts"] == 0


@pytest.mark.parametrize("job", ["AttributeUsage", "DeliverAlerts", "ExpireOverrides"])
def test_a_frequent_job_wakes_a_paused_database_once_an_hour_only(job: str) -> None:
    rule = properties("AWS::Events::Rule")[f"{job}Schedule"]
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
