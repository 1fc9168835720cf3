"""ExportSpend: FOCUS in S3 (moto's), as CSV and Parquet, whole objects or none."""

import io
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import export_spend
import import_directory
from allowance.aws.s3 import PART_BYTES, s3_client, s3_object
from allowance.errors import ExportFailed, ValidationFailed
from allowance.exports.focus import COLUMNS
from allowance.settings import BadSetting
from allowance_parquet.parquet_file import ParquetFile
from tests.conftest import environment
from tests.exports import content, csv_rows, key, keys, run, table
from tests.gateway import Client, Context
from tests.people import Acme
from tests.postgres import Database
from tests.usage import record, results

NOBODY = UUID(int=0)


def test_each_organization_has_an_object_for_each_month_and_format(
    s3: Any, gateway: Client, acme: Acme, database: Database
) -> None:
    results(
        gateway,
        record(1),
        record(2, user="gus"),
        record(3, user="nora"),
        record(4, occurred_at="2026-10-02T00:00:00Z"),
    )
    assert run(database, {"month": "2026-11"}) == {"objects": 6, "rows": 6, "left": 0}
    organizations = [NOBODY, acme.organizations["acme"], acme.organizations["globex"]]
    assert sorted(keys(s3)) == sorted(
        key(each, form) for each in organizations for form in ("csv", "parquet")
    )
    assert run(database, {"month": "2026-10"}) == {"objects": 2, "rows": 2, "left": 0}
    assert key(acme.organizations["acme"], month="2026-10") in keys(s3)


def test_parquet_has_decimals_and_times_in_utc_and_the_rows_of_the_csv(
    s3: Any, gateway: Client, acme: Acme, database: Database
) -> None:
    acme.client("adam").put(acme.budget_path(), {"spend_limit_micros": 5})
    results(
        gateway,
        record(1),
        record(2, user="otto", model="=1+1"),
        record(3, occurred_at="2026-11-20T11:00:00Z"),
    )
    run(database, {"month": "2026-11"})
    acme_id = acme.organizations["acme"]
    read = table(s3, key(acme_id))
    assert read.schema.names == [column.name for column in COLUMNS]
    types = {column.kind: read.schema.field(column.name).type for column in COLUMNS}
    assert types == {
        "text": pa.string(),
        "time": pa.timestamp("us", tz="UTC"),
        "count": pa.int64(),
        "decimal": pa.decimal128(38, 6),
        "money": pa.decimal128(38, 12),
    }
    rows, of_csv = read.to_pylist(), csv_rows(s3, key(acme_id, "csv"))
    assert [row["BilledCost"] for row in rows] == [Decimal(each["BilledCost"]) for each in of_csv]
    assert [f"{row['ChargePeriodStart']:%Y-%m-%dT%H:%M:%SZ}" for row in rows] == [
        each["ChargePeriodStart"] for each in of_csv
    ]
    # A spreadsheet reads CSV. Readers of Parquet run no formulas, so names are unchanged there.
    assert {row["ServiceName"] for row in rows} == {"m", "=1+1"}
    assert {each["ServiceName"] for each in of_csv} == {"m", "'=1+1"}
    assert {row["InvoiceId"] for row in rows} == {None}


def test_a_second_run_changes_no_byte_unless_there_is_new_usage(
    s3: Any, gateway: Client, acme: Acme, database: Database
) -> None:
    results(gateway, record(1))
    run(database, {"month": "2026-11"})
    first = {each: content(s3, each) for each in keys(s3)}
    run(database, {"month": "2026-11"})
    assert {each: content(s3, each) for each in keys(s3)} == first
    results(gateway, record(2, occurred_at="2026-11-01T00:00:00Z"))
    run(database, {"month": "2026-11"})
    assert keys(s3) == list(first)
    assert table(s3, key(acme.organizations["acme"])).num_rows == 4


def test_the_first_run_writes_the_current_month_and_the_month_before(
    s3: Any, gateway: Client, acme: Acme, database: Database
) -> None:
    now = datetime.now(UTC)
    before = now.replace(day=1) - timedelta(days=1)
    results(
        gateway, record(1, occurred_at=now.isoformat()), record(2, occurred_at=before.isoformat())
    )
    run(database)
    months = {f"{now:%Y-%m}", f"{before:%Y-%m}"}
    assert set(keys(s3)) == {
        key(acme.organizations["acme"], form, month)
        for form in ("csv", "parquet")
        for month in months
    }


def test_the_deployment_sets_the_prefix_the_key_and_the_formats(
    s3: Any, gateway: Client, acme: Acme, database: Database
) -> None:
    results(gateway, record(1))
    arn = "arn:aws:kms:us-east-1:123456789012:key/1"
    assert run(database, {"month": "2026-11"}, PREFIX="a/b/", KMS_ARN=arn, FORMATS="parquet") == {
        "objects": 1,
        "rows": 2,
        "left": 0,
    }
    (only,) = keys(s3)
    assert only == f"a/b/{key(acme.organizations['acme'])}"
    head = s3.head_object(Bucket="finops", Key=only)
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", arn)
    assert head["ContentType"] == "application/vnd.apache.parquet"


def test_a_deleted_organization_still_has_its_spend(
    s3: Any, gateway: Client, acme: Acme, database: Database
) -> None:
    results(gateway, record(1, user="gus"))
    import_directory.handler(
        {"organizations": [{"name": "globex", "deleted": True}], "confirm_deletions": True},
        Context(),
    )
    run(database, {"month": "2026-11"})
    rows = table(s3, key(acme.organizations["globex"])).to_pylist()
    assert {row["BillingAccountName"] for row in rows} == {"globex"}
    assert sum(row["BilledCost"] for row in rows) == Decimal("0.003000")


def test_a_failing_organization_blocks_no_other_and_the_run_fails(
    s3: Any,
    gateway: Client,
    acme: Acme,
    database: Database,
    logged: Callable[[], list[dict[str, Any]]],
) -> None:
    results(gateway, record(1), record(2, user="gus"), record(3, user="nora"))
    failing = str(acme.organizations["acme"])
    with environment(DATABASE_URL=database.app_url, EXPORT_BUCKET="finops"):

        def refuse(params: dict[str, Any], **_: Any) -> None:
            if failing in params["url_path"]:
                raise OSError("S3 cannot be reached")

        s3_client().meta.events.register("before-call.s3.PutObject", refuse)
        with pytest.raises(ExportFailed, match="1 exports failed"):
            export_spend.handler({"month": "2026-11"}, Context())
    assert {each.split("/")[2] for each in keys(s3)} == {
        f"organization={each}" for each in (NOBODY, acme.organizations["globex"])
    }
    lines = [each for each in logged() if each.get("level") == "ERROR"]
    assert [(each["message"], each.get("organization_id")) for each in lines] == [
        ("export", failing),
        ("failed", None),
    ]


@pytest.mark.parametrize("size", [0, 5, PART_BYTES, 2 * PART_BYTES + 1])
def test_an_object_of_any_size_is_written_whole(s3: Any, size: int) -> None:
    written = os.urandom(size)
    with s3_object("finops", "k", {"ContentType": "x/y"}) as sink:
        for start in range(0, size, 3_000_000):
            sink.write(written[start : start + 3_000_000])
    assert content(s3, "k") == written
    assert s3.head_object(Bucket="finops", Key="k")["ContentType"] == "x/y"


@pytest.mark.parametrize("size", [5, 2 * PART_BYTES + 1])
def test_a_write_that_fails_halfway_keeps_the_object_and_leaves_no_part(s3: Any, size: int) -> None:
    s3.put_object(Bucket="finops", Key="k", Body=b"before")
    sinks = []

    def fail_halfway() -> None:
        with s3_object("finops", "k", {}) as sink:
            sinks.append(sink)
            sink.write(bytes(size))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    assert content(s3, "k") == b"before"
    assert s3.list_multipart_uploads(Bucket="finops").get("Uploads", []) == []
    # A compressor writes like this when it is collected.
    sinks[0].write(bytes(2 * PART_BYTES))
    assert s3.list_multipart_uploads(Bucket="finops").get("Uploads", []) == []


def test_rows_are_written_in_groups_that_fit_into_memory() -> None:
    sink = io.BytesIO()
    file = ParquetFile(sink, [("n", "count"), ("text", "text")])
    for page in range(25):
        file.write([(page * 10_000 + n, None) for n in range(10_000)])
    assert len(sink.getvalue()) > 4, "the first groups are written before the end"
    file.close()
    read = pq.ParquetFile(io.BytesIO(sink.getvalue()))
    assert [read.metadata.row_group(n).num_rows for n in range(read.num_row_groups)] == [
        100_000,
        100_000,
        50_000,
    ]
    assert read.read().column("n").to_pylist() == list(range(250_000))


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({"BUCKET": ""}, "EXPORT_BUCKET is not set"),
        ({"FORMATS": "xlsx"}, "must be of csv and parquet"),
        ({"FORMATS": ""}, "must be of csv and parquet"),
        ({"PREFIX": "a"}, "must end with a slash"),
    ],
)
def test_a_setting_that_cannot_be_used_fails_the_run(
    database: Database, variables: dict[str, str], why: str
) -> None:
    with pytest.raises(BadSetting, match=why):
        run(database, **variables)


def test_a_bad_month_fails_the_run_by_the_name_of_the_field(database: Database) -> None:
    with pytest.raises(ValidationFailed, match="month: must be a month like 2026-11"):
        run(database, {"month": "November"})
