"""Dead letters of usage: an outage makes none, a refused message is one after three receives."""

import json
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from moto import mock_aws

from allowance.access import session
from allowance.aws.sqs import MAX_ATTRIBUTE_LENGTH, ROOM_FOR_ATTRIBUTES_BYTES
from allowance.triggers.queue import REFUSALS
from tests.conftest import environment
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.template import template
from tests.usage import failed, message, record

NOWHERE = "postgresql://allowance_jobs:x@127.0.0.1:1/nowhere"


@dataclass(frozen=True)
class Queues:
    """The queue of usage with its dead letters, at moto, as the template connects them."""

    sqs: Any
    queue: str
    dead: str

    def send(self, *records: object) -> None:
        self.sqs.send_message(QueueUrl=self.queue, MessageBody=json.dumps({"records": records}))

    def deliver(self, database_url: str, dead_letters_url: str | None = None) -> int:
        """Deliver what is in the queue, as Lambda does. Return how many messages there were."""
        received = self.received(self.queue)
        messages = [
            message(
                each["MessageId"],
                body=each["Body"],
                receives=int(each["Attributes"]["ApproximateReceiveCount"]),
            )
            for each in received
        ]
        with environment(
            DATABASE_URL=database_url,
            DEAD_LETTERS_URL=self.dead if dead_letters_url is None else dead_letters_url,
        ):
            kept = failed(*messages) if messages else []
        for each in received:
            if each["MessageId"] not in kept:
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=each["ReceiptHandle"])
        return len(received)

    def received(self, url: str) -> list[dict[str, Any]]:
        return self.sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])


@pytest.fixture
def queues(acme: Acme, monkeypatch: pytest.MonkeyPatch) -> Generator[Queues]:
    assert acme
    seed(price(input_price=2_000_000, output_price=10_000_000))
    monkeypatch.setattr(session, "JOB_PATIENCE_SECONDS", 0)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    redrive = template()["Resources"]["UsageQueue"]["Properties"]["RedrivePolicy"]
    assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": ["UsageDeadLetters", "Arn"]}
    with mock_aws():
        sqs = boto3.client("sqs")
        dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
        found = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])
        policy = json.dumps(redrive | {"deadLetterTargetArn": found["Attributes"]["QueueArn"]})
        queue = sqs.create_queue(
            QueueName="usage", Attributes={"RedrivePolicy": policy, "VisibilityTimeout": "0"}
        )
        yield Queues(sqs, queue["QueueUrl"], dead)


def test_an_outage_makes_no_dead_letter(queues: Queues, database: Database) -> None:
    queues.send(record(1))
    for _ in range(20):
        assert queues.deliver(NOWHERE) == 1
    assert queues.received(queues.dead) == []
    assert queues.deliver(database.app_url) == 1
    assert queues.deliver(database.app_url) == 0
    assert database.rows("SELECT source_id FROM ai_usage") == [("call-1",)]


def test_a_refused_message_is_a_dead_letter_with_its_reason(
    queues: Queues, database: Database, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    queues.send(record(1))
    queues.send(record(2), record(3, provider=" "))
    for receive in range(1, REFUSALS + 1):
        assert queues.received(queues.dead) == []
        assert queues.deliver(database.app_url) == (2 if receive == 1 else 1)
    assert queues.deliver(database.app_url) == 0, "the message left its queue"
    (letter,) = queues.received(queues.dead)
    assert json.loads(letter["Body"])["records"][1]["provider"] == " "
    attributes = {name: each["StringValue"] for name, each in letter["MessageAttributes"].items()}
    assert attributes["Reason"].startswith("records[1].provider: Must have no control")
    lines = [each for each in logged() if each["message"] == "message failed"]
    assert [each["message_id"] for each in lines] == [attributes["MessageId"]] * REFUSALS
    assert database.rows("SELECT source_id FROM ai_usage ORDER BY 1") == [("call-1",), ("call-2",)]


def test_an_amendment_that_overtakes_its_usage_is_in_time(
    queues: Queues, database: Database
) -> None:
    queues.send(record(1, tokens={"input": 5}, amends=True))
    assert queues.deliver(database.app_url) == 1
    queues.send(record(1))
    assert queues.deliver(database.app_url) == 2
    queues.deliver(database.app_url)
    assert queues.deliver(database.app_url) == 0
    assert queues.received(queues.dead) == []
    assert database.rows("SELECT sum(usage_count)::int, sum(input_tokens)::int FROM ai_usage") == [
        (1, 5)
    ]


def test_a_message_stays_while_its_dead_letter_cannot_be_sent(
    queues: Queues, database: Database, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    queues.send(record(1, provider=" "))
    missing = queues.dead.replace("dead", "missing")
    for _ in range(REFUSALS + 2):
        assert queues.deliver(database.app_url, missing) == 1
    assert "QueueDoesNotExist" in {each.get("error") for each in logged()}
    assert queues.deliver(database.app_url) == 1
    assert queues.deliver(database.app_url) == 0
    assert len(queues.received(queues.dead)) == 1


def test_a_long_message_is_sent_without_attributes(queues: Queues, database: Database) -> None:
    long_reason = {f"unknown-{n}": n for n in range(200)}
    queues.send(record(1, **long_reason))
    queues.send(record(2, provider=" ", model="m" * ROOM_FOR_ATTRIBUTES_BYTES))
    for _ in range(REFUSALS):
        queues.deliver(database.app_url)
    short, long = sorted(queues.received(queues.dead), key=lambda each: len(each["Body"]))
    assert len(short["MessageAttributes"]["Reason"]["StringValue"]) == MAX_ATTRIBUTE_LENGTH
    assert "MessageAttributes" not in long
