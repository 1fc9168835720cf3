"""Dead letters of usage: the queue, the function that fills it, and the command that empties it."""

import re
import shlex

import boto3
from botocore import xform_name

from tests.deployed import ROOT, actions, properties, statements, template


def test_only_ingestion_may_send_refused_usage_to_the_dead_letters() -> None:
    dead = {"Fn::GetAtt": ["UsageDeadLetters", "Arn"]}
    holders = {
        name
        for name, resource in template()["Resources"].items()
        for each in statements(resource)
        if "sqs:SendMessage" in actions(each)
        and each["Effect"] == "Allow"
        and dead in (each["Resource"], *each["Resource"])
    }
    assert holders == {"IngestUsageRole", "FunctionBoundary", "SqsEndpoint"}


def test_the_command_that_moves_dead_letters_back_names_both_queues() -> None:
    """SQS knows no source of a message that a function sent, so it needs a destination."""
    guide = (ROOT / "docs/operations.md").read_text()
    (line,) = re.findall(r"^    (aws sqs start-message-move-task .*)$", guide, re.MULTILINE)
    aws, service, operation, *options = shlex.split(line)
    assert (aws, service) == ("aws", "sqs")
    given = {name.removeprefix("--").replace("-", "_") for name in options[::2]}
    model = boto3.client("sqs", region_name="eu-west-1").meta.service_model
    (known,) = [
        model.operation_model(each)
        for each in model.operation_names
        if xform_name(each, "-") == operation
    ]
    assert known.input_shape is not None
    assert given == {"source_arn", "destination_arn"}
    assert given <= {xform_name(each) for each in known.input_shape.members}
    outputs = template()["Outputs"]
    assert outputs["UsageDeadLettersArn"]["Value"] == {"Fn::GetAtt": ["UsageDeadLetters", "Arn"]}
    assert outputs["UsageQueueArn"]["Value"] == {"Fn::GetAtt": ["UsageQueue", "Arn"]}
    # SQS moves messages only out of a queue that is another queue's dead letter queue.
    redrive = properties("AWS::SQS::Queue")["UsageQueue"]["RedrivePolicy"]
    assert redrive["deadLetterTargetArn"] == outputs["UsageDeadLettersArn"]["Value"]


def test_a_name_with_the_stacks_name_in_it_has_room_for_a_long_one() -> None:
    """A stack's name has up to 128 characters, a proxy's 60. The unique part of an id has 36."""
    name = properties("AWS::RDS::DBProxy")["RdsProxy"]["DBProxyName"]
    text, parts = name["Fn::Sub"]
    assert parts == {
        "Id": {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]},
    }
    assert len(text.replace("${Id}", "x" * 36)) <= 60
