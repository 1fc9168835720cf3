"""IngestUsage: usage from the queue. A failed message is named, retried, and then a dead letter."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.conftest import environment
from tests.ledger import assert_sums_agree
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.template import template
from tests.usage import failed, message, record


@pytest.fixture
def priced(acme: Acme) -> None:
    seed(price(input_price=2_000_000, output_price=10_000_000))


@pytest.mark.usefixtures("priced")
def test_messages_are_recorded_and_a_second_delivery_changes_nothing(database: Database) -> None:
    delivered = [message("a", record(1), record(2)), message("b", record(3))]
    assert failed(*delivered) == []
    assert failed(*delivered, message("c", record(4))) == []
    assert database.rows("SELECT usage_count, cost_micros::int FROM ai_spend_daily") == [
        (4, 12_000)
    ]
    assert_sums_agree(database)


@pytest.mark.usefixtures("priced")
def test_only_failed_messages_are_retried_and_the_log_says_why(
    database: Database, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    assert failed(
        message("good", record(1)),
        message("half", record(2), record(3, user="nobody"), record(4, tokens={"input": -1})),
        message("conflict", record(1, tokens={"input": 9})),
        message("text", body="hello"),
        message("surrogate", body='{"records": ["\ud800"]}'),
        message("empty", body="{}"),
        message("last", record(5)),
    ) == ["half", "conflict", "text", "surrogate", "empty"]
    assert database.rows("SELECT source_id FROM ai_usage ORDER BY source_id") == [
        ("call-1",),
        ("call-2",),
        ("call-5",),
    ]
    lines = {each["message_id"]: each for each in logged() if each["message"] == "message failed"}
    assert lines["half"]["problems"] == [
        "records[1].user: There is no such user.",
        "records[2].tokens.input: Must not be negative.",
    ]
    assert lines["text"]["error"] == "InvalidJSON"


@pytest.mark.usefixtures("acme")
def test_a_database_that_is_down_loses_nothing() -> None:
    with environment(DATABASE_URL="postgresql://allowance_jobs:x@127.0.0.1:1/nowhere"):
        assert failed(message("a", record(1)), message("b", record(2))) == ["a", "b"]


@pytest.mark.usefixtures("priced")
def test_a_message_that_always_fails_becomes_a_dead_letter(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    redrive = template()["Resources"]["UsageQueue"]["Properties"]["RedrivePolicy"]
    assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": ["UsageDeadLetters", "Arn"]}
    with mock_aws():
        sqs = boto3.client("sqs", region_name="eu-west-1")
        dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        policy = json.dumps(redrive | {"deadLetterTargetArn": arn})
        queue = sqs.create_queue(
            QueueName="usage", Attributes={"RedrivePolicy": policy, "VisibilityTimeout": "0"}
        )
        for body in ({"records": [record(1)]}, {"records": [record(2, user="nobody")]}):
            sqs.send_message(QueueUrl=queue["QueueUrl"], MessageBody=json.dumps(body))
        for _ in range(redrive["maxReceiveCount"] + 1):
            received = sqs.receive_message(QueueUrl=queue["QueueUrl"], MaxNumberOfMessages=10).get(
                "Messages", []
            )
            kept = (
                failed(*(message(each["MessageId"], body=each["Body"]) for each in received))
                if received
                else []
            )
            for each in received:
                if each["MessageId"] not in kept:
                    sqs.delete_message(
                        QueueUrl=queue["QueueUrl"], ReceiptHandle=each["ReceiptHandle"]
                    )
        (letter,) = sqs.receive_message(QueueUrl=dead)["Messages"]
    assert json.loads(letter["Body"])["records"][0]["user"] == "nobody"
    assert database.rows("SELECT count(*) FROM ai_usage") == [(1,)]
