"""Exports for tests: what the job wrote to S3, and the pages of the route."""

import csv
import gzip
import io
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq

import export_spend
from tests.conftest import environment
from tests.gateway import Answer, Client, Context
from tests.postgres import Database

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
    return list(csv.DictReader(io.StringIO(answer.body, newline=""), strict=True))


def pages(client: Client, query: str, path: str = PATH) -> list[list[dict[str, str]]]:
    """Every page, as a client that knows links (RFC 8288) comes to them."""
    found = []
    link: str | None = f"<?{query}>"
    while link is not None:
        answer = client.get(f"{path}{link[1 : link.index('>')]}")
        found.append(rows_of(answer))
        link = answer.headers.get("Link")
    return found
