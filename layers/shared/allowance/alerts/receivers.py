"""Who is told of spend alerts: an SNS topic and an EventBridge bus, each asked once per call, ten
alerts a time.

By boto3, which the Lambda runtime has, and which is loaded when there is something to send: only a
job comes here, and no route. To repeat a call is not boto3's business but the outbox's, which knows
what was sent.
"""

import json
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Literal, Protocol

from allowance.alerts.models import SpendAlert
from allowance.alerts.settings import alert_receivers

CONNECT_SECONDS = 2
ANSWER_SECONDS = 3
MAX_BATCH = 10
"""Of both PublishBatch and PutEvents."""

SOURCE = "allowance"
DETAIL_TYPE = "AI spend threshold reached"

REFUSED_STATUSES = (400, 413)
THROTTLED = (
    "Throttled",
    "Throttling",
    "ThrottlingException",
    "RequestThrottled",
    "KMSThrottling",
    "KMSThrottlingException",
)
"""Codes that may come with a 400 and speak of how much is asked, not of what."""

type ReceiverName = Literal["sns", "eventbridge"]


class CallRefused(Exception):
    """The receiver refused a call for what is in it; by the code that it gave."""


class NoAnswer(Exception):
    """The receiver cannot be reached, is busy, or lets nobody in: asking for another alert would
    not help. Says why.
    """


class Receiver(Protocol):
    """One who is told of alerts."""

    @property
    def name(self) -> ReceiverName:
        """As the log calls it."""
        ...

    def send(self, alerts: Sequence[SpendAlert]) -> list[str | None]:
        """For each of at most MAX_BATCH alerts None when it was taken, else why not. Raises
        CallRefused, NoAnswer.
        """
        ...

    def close(self) -> None:
        """End the connections: between two runs they would go stale."""
        ...


class Service:
    """A service of AWS, whose client is made when it is first asked."""

    def __init__(self, service: str, region: str | None) -> None:
        self._service = service
        self._region = region

    @cached_property
    def _client(self) -> Any:
        import boto3
        from botocore.config import Config

        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=ANSWER_SECONDS,
            retries={"total_max_attempts": 1},
        )
        # Not of the session that all of a process share, which is not made for threads.
        return boto3.Session().client(self._service, region_name=self._region, config=config)  # pyright: ignore

    def close(self) -> None:
        """End the connections, if there are any."""
        if "_client" in vars(self):
            self._client.close()


class Topic(Service):
    """An SNS topic, FIFO or not."""

    name: ReceiverName = "sns"

    def __init__(self, arn: str) -> None:
        super().__init__("sns", arn.split(":")[3])
        self._arn = arn

    def send(self, alerts: Sequence[SpendAlert]) -> list[str | None]:
        """https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html"""
        entries = [{"Id": str(place)} | self._entry(alert) for place, alert in enumerate(alerts)]
        answer = _answer(
            lambda: self._client.publish_batch(
                TopicArn=self._arn, PublishBatchRequestEntries=entries
            )
        )
        taken = {each["Id"] for each in answer.get("Successful", [])}
        reasons = {each["Id"]: each["Code"] for each in answer.get("Failed", [])}
        names = [each["Id"] for each in entries]
        return [None if name in taken else reasons.get(name, "NotAnswered") for name in names]

    def _entry(self, alert: SpendAlert) -> dict[str, Any]:
        in_order = {"MessageGroupId": str(alert.user_id), "MessageDeduplicationId": alert.id}
        return {
            "Subject": alert.subject(),
            "MessageStructure": "json",
            "Message": _by_protocol(alert),
            "MessageAttributes": {
                "threshold_percent": {
                    "DataType": "Number",
                    "StringValue": str(alert.threshold_percent),
                },
                "organization_id": {
                    "DataType": "String",
                    "StringValue": str(alert.organization_id),
                },
            },
        } | (in_order if self._arn.endswith(".fifo") else {})


class EventBus(Service):
    """A bus of EventBridge, in the function's own region."""

    name: ReceiverName = "eventbridge"

    def __init__(self, bus: str) -> None:
        super().__init__("events", None)
        self._bus = bus

    def send(self, alerts: Sequence[SpendAlert]) -> list[str | None]:
        """https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html"""
        entries = [
            {
                "Source": SOURCE,
                "DetailType": DETAIL_TYPE,
                "Detail": alert.message(),
                "EventBusName": self._bus,
            }
            for alert in alerts
        ]
        answered = _answer(lambda: self._client.put_events(Entries=entries)).get("Entries", [])
        if len(answered) != len(entries):
            raise NoAnswer("UnexpectedAnswer")
        # They are in the order of the entries; one that was taken has an EventId.
        return [
            None if each.get("EventId") else each.get("ErrorCode", "NotAnswered")
            for each in answered
        ]


def configured_receivers() -> list[Receiver]:
    """Those that the settings name. Raises BadSetting."""
    configured = alert_receivers()
    topic = [Topic(configured.topic_arn)] if configured.topic_arn else []
    bus = [EventBus(configured.event_bus)] if configured.event_bus else []
    return [*topic, *bus]


def _by_protocol(alert: SpendAlert) -> str:
    """JSON for programs, and a text for those who get mail."""
    return json.dumps({"default": alert.message(), "email": alert.text()})


def _answer(call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
    from botocore.parsers import ResponseParserError

    try:
        return call()
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "Unknown")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if status in REFUSED_STATUSES and code not in THROTTLED:
            raise CallRefused(code) from error
        raise NoAnswer(code) from error
    except ParamValidationError as error:
        raise CallRefused(type(error).__name__) from error
    except (BotoCoreError, ResponseParserError, OSError) as error:
        raise NoAnswer(type(error).__name__) from error
