"""ImportUsage: a log file of S3 becomes usage, whole or not at all, with its result beside it."""

import json
from collections.abc import Generator
from typing import Any

import boto3
import pytest
from moto import mock_aws

import import_usage
from allowance.aws.s3 import s3_client
from allowance.errors import ValidationFailed
from allowance.usage.import_settings import import_source
from tests.conftest import environment
from tests.gateway import Client, Context
from tests.imports import compressed, sample
from tests.people import Acme
from tests.postgres import Database

LOGS = "logs/litellm-spend-logs/2026/11.json"


class Bucket:
    """The bucket of files, and ImportUsage."""

    def __init__(self, client: Any, database: Database) -> None:
        self.client = client
        self.database = database

    def put(self, key: str, content: str | bytes) -> None:
        self.client.put_object(Bucket="gateway-files", Key=key, Body=content)

    def run(self, key: str, **event: Any) -> dict[str, Any]:
        import_source.cache_clear()
        with environment(
            DATABASE_URL=self.database.app_url, IMPORT_BUCKET="gateway-files", IMPORT_PREFIX="logs/"
        ):
            return import_usage.handler(event or {"key": key}, Context())

    def keys(self) -> list[str]:
        return [
            each["Key"] for each in self.client.list_objects_v2(Bucket="gateway-files")["Contents"]
        ]

    def result(self, key: str) -> dict[str, Any]:
        body = self.client.get_object(Bucket="gateway-files", Key=f"{key}.result.json")["Body"]
        return json.loads(body.read())


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, database: Database) -> Generator[Bucket]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3_client.cache_clear()
    with mock_aws():
        client: Any = boto3.client("s3")
        client.create_bucket(Bucket="gateway-files")
        yield Bucket(client, database)
    s3_client.cache_clear()


def recorded(database: Database) -> dict[str, Any]:
    """id -> (cost in micros, the user is known), of all usage."""
    nobody = "user_id = '00000000-0000-0000-0000-000000000000'"
    rows = database.rows(f"SELECT source || '/' || source_id, cost_micros, {nobody} FROM ai_usage")
    return {row[0]: (row[1], not row[2]) for row in rows}


def test_a_file_is_recorded_once_with_its_result_beside_it(
    bucket: Bucket, gateway: Client, database: Database
) -> None:
    bucket.put(LOGS, compressed(sample("litellm-spend-logs.json")))
    assert bucket.run(LOGS) == {"key": LOGS, "status": "recorded"}
    found = recorded(database)
    assert found.keys() == {"litellm/chatcmpl-1", "litellm/msg_2"}
    assert bucket.result(LOGS) == {
        "key": LOGS,
        "format": "litellm-spend-logs",
        "status": "recorded",
        "rows": 2,
        "recorded": 2,
        "duplicate": 0,
        "conflict": 0,
        "rejected": 0,
        "unpriced": {"openai/gpt-5.1": 1, "anthropic/claude-sonnet-4-5": 1},
        "unattributed": {
            "litellm-key:88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b": 1
        },
        "not_recorded": [],
        "left_out": {
            "calls that LiteLLM served from its cache": 1,
            "calls that failed and used nothing": 1,
        },
    }
    event = {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": "123456789012",
        "time": "2026-11-12T00:00:00Z",
        "region": "eu-west-1",
        "resources": ["arn:aws:s3:::gateway-files"],
        "detail": {
            "version": "0",
            "bucket": {"name": "gateway-files"},
            "object": {"key": LOGS, "size": 5, "etag": "b1946ac92492d2347c6235b4d2611184"},
            "reason": "PutObject",
        },
    }
    assert bucket.run("", **event) == {"key": LOGS, "status": "recorded"}
    assert (bucket.result(LOGS)["recorded"], bucket.result(LOGS)["duplicate"]) == (0, 2)
    assert recorded(database) == found


def test_a_file_with_one_bad_row_is_refused_whole(
    bucket: Bucket,
    database: Database,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    rows = json.loads(sample("litellm-spend-logs.json"))
    rows[1]["prompt_tokens"] = "1,000"
    bucket.put(LOGS, json.dumps(rows))
    assert bucket.run(LOGS) == {"key": LOGS, "status": "refused"}
    assert recorded(database) == {}
    result = bucket.result(LOGS)
    assert result["total_problems"] == 1
    assert result["problems"] == [
        "row 2, prompt_tokens: has separators between its digits: must be a whole number"
    ]
    printed = capsys.readouterr().out
    (line,) = [each for each in caplog.records if each.levelname == "ERROR"]
    assert (line.message, line.key) == ("import", LOGS), "the alarm of jobs reads the level"
    assert '"RefusedImports":[1.0]' in printed
    assert "maya" not in printed


def test_a_row_that_the_ledger_refuses_is_named(
    bucket: Bucket, gateway: Client, database: Database
) -> None:
    bucket.put(LOGS, sample("litellm-spend-logs.json"))
    bucket.run(LOGS)
    changed = sample("litellm-spend-logs.json").replace('"spend": 0.0081', '"spend": 0.0082')
    bucket.put(LOGS, changed)
    assert bucket.run(LOGS) == {"key": LOGS, "status": "incomplete"}
    result = bucket.result(LOGS)
    assert (result["duplicate"], result["conflict"]) == (1, 1)
    (refused,) = result["not_recorded"]
    assert (refused["place"], refused["id"]) == ("row 2", "msg_2")
    assert refused["reason"].startswith("id: It was recorded with other content")


def test_the_source_says_which_field_names_the_user(
    bucket: Bucket, acme: Acme, gateway: Client, database: Database
) -> None:
    settings = {"cost_from": "book", "identity": ["requestMetadata.user"]}
    acme.client("olivia").put("/api/v2/ai/sources/bedrock", settings)
    key = "logs/bedrock-logs/AWSLogs/123456789012/BedrockModelInvocationLogs/a.json.gz"
    bucket.put(key, compressed(sample("bedrock-logs.json")))
    assert bucket.run(key)["status"] == "recorded"
    found = recorded(database)
    assert found["bedrock/b1"][1], "maya, of requestMetadata.user"
    assert not found["bedrock/b2"][1], "without such a field"
    assert found["bedrock/b3"] == (None, False), "an image has no price"


def test_objects_that_are_no_logs_are_ignored_or_refused(
    bucket: Bucket, database: Database
) -> None:
    bucket.put("logs/openai/a.json", sample("openai-usage.json"))
    assert bucket.run("logs/openai/a.json")["status"] == "refused"
    (problem,) = bucket.result("logs/openai/a.json")["problems"]
    assert "is a report of a vendor, which `allowance import` sends" in problem
    bucket.put("logs/other/a.json", "{}")
    assert bucket.run("logs/other/a.json")["status"] == "refused"
    before = bucket.keys()
    for key in (
        "logs/openai/a.json.result.json",
        "logs/readme.txt",
        "logs/bedrock-logs/AWSLogs/1/amazon-bedrock-logs-permission-check",
        "logs/bedrock-logs/AWSLogs/1/data/b1_input.json.gz",
    ):
        assert bucket.run(key) == {"key": key, "status": "ignored"}
    assert bucket.keys() == before
    with pytest.raises(ValidationFailed, match="key: must begin with logs/"):
        bucket.run("elsewhere/litellm-spend-logs/a.json")
