"""Fixtures of the exports."""

from collections.abc import Generator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from moto import mock_aws

from allowance.aws.s3 import s3_client
from tests.exports import export, writes
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.usage import in_month_before, record, results


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Generator[Any]:
    """A client of moto's S3, with the bucket of the exports."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3_client.cache_clear()
    with mock_aws():
        client: Any = boto3.client("s3")
        client.create_bucket(Bucket="finops")
        yield client
    s3_client.cache_clear()


@pytest.fixture
def used(gateway: Client, acme: Acme, database: Database) -> Client:
    """Usage in October and November by people of two organizations and of none."""
    acme.client("adam").put(acme.budget_path(), {"spend_limit_micros": 5})
    results(
        gateway,
        record(1),
        record(
            2,
            occurred_at="2026-11-20T10:59:59Z",
            tokens={"input": 1, "cache_read": 2, "cache_write_1h": 3},
        ),
        record(3, user="otto", occurred_at="2026-11-20T11:00:00Z"),
        record(4, user="otto", occurred_at="2026-11-30T23:59:59.999999Z")
        if _past("2026-12-01")
        else record(5, user="otto"),
        record(6, occurred_at="2026-10-31T23:59:59.999999Z"),
        record(7, user="gus"),
        record(8, user="nora"),
        record(9, user="otto", model="new"),
    )
    return gateway


def _past(day: str) -> bool:
    return datetime.now(UTC) >= datetime.fromisoformat(f"{day}T00:00:00+00:00")


@pytest.fixture
def ana(acme: Acme) -> Client:
    """The organization's auditor."""
    return acme.client("ana")


@pytest.fixture
def exported(s3: Any, gateway: Client, acme: Acme, database: Database) -> Client:
    """Usage of three months in two organizations, exported by a run."""
    results(
        gateway,
        *(in_month_before(ago, ago) for ago in (0, 1, 14)),
        *(in_month_before(ago, 20 + ago, user="gus") for ago in (0, 1, 14)),
    )
    with writes() as found:
        assert export(database) == {"objects": 6, "rows": 12, "left": 0}
    assert len(set(found)) == 6
    return gateway
