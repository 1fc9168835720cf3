"""Usage for tests: records of calls, and the jobs that ingest, rerate and expire them."""

import json
from datetime import UTC, date, datetime
from typing import Any

import expire_usage
import ingest_usage
import rerate_usage
from tests.conftest import environment
from tests.gateway import Answer, Client, Context
from tests.model_prices import confirmed
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price

PATH = "/api/v2/ai/usage"

MONTHS = (
    "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE "
    "i.inhparent = 'ai_usage'::regclass ORDER BY 1"
)


def record(number: int | str = 1, **changes: Any) -> dict[str, Any]:
    made = {
        "source": "litellm",
        "id": f"call-{number}",
        "user": "maya",
        "provider": "p",
        "model": "m",
        "occurred_at": "2026-11-20T10:00:00Z",
        "tokens": {"input": 1000, "output": 100},
    } | changes
    return {name: value for name, value in made.items() if value is not None}


def of_vendor(usage: dict[str, Any], usage_format: str = "openai", **more: Any) -> dict[str, Any]:
    return record(tokens=None, usage_format=usage_format, usage=usage, **more)


def send(client: Client, *records: object) -> Answer:
    return client.post(PATH, {"records": list(records)})


def results(client: Client, *records: object) -> list[dict[str, Any]]:
    answer = send(client, *records)
    assert answer.status == 200, answer.body
    return answer.json()["results"]


def message(
    name: str, *records: object, body: str | None = None, receives: int = 1
) -> dict[str, Any]:
    """https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html, "Example Amazon SQS message
    event".
    """
    return {
        "messageId": name,
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": json.dumps({"records": records}) if body is None else body,
        "attributes": {"ApproximateReceiveCount": str(receives), "SentTimestamp": "1795413600000"},
        "messageAttributes": {},
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:usage",
        "awsRegion": "eu-west-1",
    }


def failed(*messages: dict[str, Any]) -> list[str]:
    """The ids of the messages that SQS keeps for a retry."""
    answer = ingest_usage.handler({"Records": list(messages)}, Context())
    return [each["itemIdentifier"] for each in answer["batchItemFailures"]]


def rerate() -> dict[str, Any]:
    return rerate_usage.handler({}, Context())


def rerated(
    examined: int = 0, corrected: int = 0, difference_micros: int = 0, unfinished: int = 0
) -> dict[str, Any]:
    """The counts of a run of RerateUsage."""
    return {
        "examined": examined,
        "corrected": corrected,
        "difference_micros": difference_micros,
        "unfinished": unfinished,
    }


def custom(acme: Acme, **stated: Any) -> None:
    prices = [price(**stated)]
    assert acme.client("olivia").post("/api/v2/ai/model-prices", confirmed(prices)).status == 200


def month_before(months: int) -> date:
    """The first day of the month `months` before the current one, in UTC."""
    years, month = divmod(datetime.now(UTC).month - 1 - months, 12)
    return date(datetime.now(UTC).year + years, month + 1, 1)


def in_month_before(months: int, number: int = 1, **changes: Any) -> dict[str, Any]:
    return record(number, occurred_at=f"{month_before(months)}T00:00:00Z", **changes)


def expire(database: Database, months: int) -> dict[str, Any]:
    """Run the job with a retention of `months` months."""
    with environment(DATABASE_URL=database.app_url, USAGE_RETENTION_MONTHS=str(months)):
        return expire_usage.handler({}, Context())


def months(database: Database) -> list[date]:
    return [
        datetime.strptime(name[-7:], "%Y_%m").replace(tzinfo=UTC).date()
        for (name,) in database.rows(MONTHS)
    ]


def name_of(months: int) -> str:
    return f"{month_before(months):%Y-%m}"
