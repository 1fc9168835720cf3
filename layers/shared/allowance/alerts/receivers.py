"""The receivers of spend alerts: an SNS topic and an EventBridge bus, ten alerts a call.

boto3 comes with the Lambda runtime and is imported at the first call: only a job sends alerts. It
does not retry; the outbox does, because it knows which alerts were accepted.
"""

import json
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Literal, Protocol

from allowance.alerts.models import Alert, AlertKind
from allowance.alerts.settings import alert_receivers
from allowance.alerts.texts import subject_of, text_of

CONNECT_SECONDS = 2
ANSWER_SECONDS = 3
MAX_BATCH = 10
"""The limit of both PublishBatch and PutEvents."""

SOURCE = "allowance"
DETAIL_TYPES: dict[AlertKind, str] = {
    "threshold": "AI spend threshold reached",
    "refused": "AI spend refused",
    "unpriced_models": "AI models without a price used",
}

REFUSED_STATUSES = (400, 413)
THROTTLED = (
    "Throttled",
    "Throttling",
    "ThrottlingException",
    "RequestThrottled",
    "KMSThrottling",
    "KMSThrottlingException",
)
"""Codes that may come with a 400 but are about the rate of calls, not about their content."""

ReceiverName = Literal["sns", "eventbridge"]
"""A receiver is a name here, a class below, and its setting in `configured_receivers`. What it has
accepted is a row of `ai_alert_deliveries` with its name.
"""


class CallRefused(Exception):
    """The receiver rejected a call because of its content; the message is its error code."""


class NoAnswer(Exception):
    """The receiver is unreachable, busy or denies access, so another alert would fail too. The
    message is the reason.
    """


class Receiver(Protocol):
    """A destination of alerts."""

    @property
    def name(self) -> ReceiverName:
        """The name in the log and in the query that marks alerts."""
        ...

    @property
    def keeps_order(self) -> bool:
        """Whether its subscribers get the alerts of a budget in the order of the calls."""
        ...

    def send(self, alerts: Sequence[Alert]) -> list[str | None]:
        """Return for each of at most MAX_BATCH alerts None if accepted, else the reason. Raise
        CallRefused, NoAnswer.
        """
        ...

    def close(self) -> None:
        """Close the connections, which would be stale in the next run."""
        ...


class Service:
    """An AWS service. Its client is created at the first call."""

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
        # A session of its own: the default session of the process is not safe for threads.
        session: Any = boto3.Session()
        return session.client(self._service, region_name=self._region, config=config)

    def close(self) -> None:
        """Close the connections, if any."""
        if "_client" in vars(self):
            self._client.close()


class Topic(Service):
    """An SNS topic, standard or FIFO."""

    name: ReceiverName = "sns"

    def __init__(self, arn: str) -> None:
        super().__init__("sns", arn.split(":")[3])
        self._arn = arn

    @property
    def keeps_order(self) -> bool:
        """Whether it is a FIFO topic. Each allowance and each budget is a message group of it."""
        return self._arn.endswith(".fifo")

    def send(self, alerts: Sequence[Alert]) -> list[str | None]:
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

    def _entry(self, alert: Alert) -> dict[str, Any]:
        in_order = {"MessageGroupId": alert.ordering_key, "MessageDeduplicationId": str(alert.id)}
        attributes = {
            "kind": ("String", alert.kind),
            "organization_id": ("String", str(alert.organization_id)),
        }
        if alert.threshold_percent is not None:
            attributes["threshold_percent"] = ("Number", str(alert.threshold_percent))
        return {
            "Subject": subject_of(alert),
            "MessageStructure": "json",
            "Message": _by_protocol(alert),
            "MessageAttributes": {
                name: {"DataType": kind, "StringValue": value}
                for name, (kind, value) in attributes.items()
            },
        } | (in_order if self.keeps_order else {})


class EventBus(Service):
    """An EventBridge bus in the region of the function."""

    name: ReceiverName = "eventbridge"
    keeps_order = False

    def __init__(self, bus: str) -> None:
        super().__init__("events", None)
        self._bus = bus

    def send(self, alerts: Sequence[Alert]) -> list[str | None]:
        """https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html"""
        entries = [
            {
                "Source": SOURCE,
                "DetailType": DETAIL_TYPES[alert.kind],
                "Detail": alert.message(),
                "EventBusName": self._bus,
            }
            for alert in alerts
        ]
        answered = _answer(lambda: self._client.put_events(Entries=entries)).get("Entries", [])
        if len(answered) != len(entries):
            raise NoAnswer("UnexpectedAnswer")
        # Results come in the order of the entries; an accepted entry has an EventId.
        return [
            None if each.get("EventId") else each.get("ErrorCode", "NotAnswered")
            for each in answered
        ]


def configured_receivers() -> list[Receiver]:
    """Return the receivers that the settings name. Raise BadSetting."""
    configured = alert_receivers()
    topic = [Topic(configured.topic_arn)] if configured.topic_arn else []
    bus = [EventBus(configured.event_bus)] if configured.event_bus else []
    return [*topic, *bus]


def _by_protocol(alert: Alert) -> str:
    """Return JSON for programs and a text for e-mail."""
    return json.dumps({"default": alert.message(), "email": text_of(alert)})


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
