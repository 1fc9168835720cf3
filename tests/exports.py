"""Exports for tests: what the job wrote to S3, and the pages of the route."""

import csv
import gzip
import io
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import export_spend
from allowance.access.gate import Gate
from allowance.access.store import Origin
from allowance.exports.files import ExportSource
from allowance.rbac.system import SPEND_EXPORTER
from tests.conftest import environment
from tests.gateway import Answer, Client, Context
from tests.ledger import connection_of
from tests.people import Acme
from tests.postgres import Database
from tests.usage import name_of

PATH = "/api/v2/organizations/acme/ai/spend/export"


def run(
    database: Database, event: dict[str, Any] | None = None, **variables: str
) -> dict[str, Any]:
    configured = {"EXPORT_BUCKET": "finops"} | {
        f"EXPORT_{name}": value for name, value in variables.items()
    }
    with environment(DATABASE_URL=database.app_url, **configured):
        return export_spend.handler(event or {"source": "aws.events"}, Context())


def keys(s3: Any) -> list[str]:
    return [each["Key"] for each in s3.list_objects_v2(Bucket="finops").get("Contents", [])]


def content(s3: Any, key: str) -> bytes:
    return s3.get_object(Bucket="finops", Key=key)["Body"].read()


def key(organization_id: UUID, form: str = "parquet", month: str = "2026-11") -> str:
    extension = {"csv": "csv.gz", "parquet": "parquet"}[form]
    return (
        f"focus/{form}/organization={organization_id}/billing_period={month}/allowance.{extension}"
    )


def table(s3: Any, key: str) -> pa.Table:
    return pq.read_table(io.BytesIO(content(s3, key)))


def csv_rows(s3: Any, key: str) -> list[dict[str, str]]:
    text = gzip.decompress(content(s3, key)).decode()
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def rows_of(answer: Answer) -> list[dict[str, str]]:
    assert answer.status == 200, answer.body
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    text = answer.body.encode().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def pages(client: Client, query: str, path: str = PATH) -> list[list[dict[str, str]]]:
    """Every page, as a client that knows links (RFC 8288) comes to them."""
    found = []
    link: str | None = f"<?{query}>"
    while link is not None:
        answer = client.get(f"{path}{link[1 : link.index('>')]}")
        found.append(rows_of(answer))
        link = answer.headers.get("Link")
    return found


@contextmanager
def writes(before_each: Callable[[str], object] = lambda _: None) -> Generator[list[str]]:
    """The organization and month of each file that the runs inside write, in order."""
    found: list[str] = []
    client: Any = boto3.client("s3")

    def see(params: dict[str, Any], **_: Any) -> None:
        found.append("/".join(unquote(params["url_path"]).split("/")[-3:-1]))
        before_each(found[-1])

    client.meta.events.register("before-call.s3.PutObject", see)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("allowance.aws.s3.s3_client", lambda: client)
        yield found


def file(acme: Acme, organization: str, months: int) -> str:
    return f"organization={acme.organizations[organization]}/billing_period={name_of(months)}"


def export(database: Database) -> dict[str, Any]:
    return run(database, FORMATS="parquet")


@contextmanager
def source_of(database: Database) -> Generator[ExportSource]:
    """What another run has at the same time."""
    connection = connection_of(database)
    gate = Gate(SPEND_EXPORTER.subject, connection)
    yield ExportSource(gate, Origin(None, "test", "test"))
    connection.close()
