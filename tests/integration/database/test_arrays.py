"""Postgres reads the binary form of an array as the values that it encodes."""

from datetime import UTC, datetime, timedelta, timezone

import psycopg
import pytest

from allowance.database.adapters import adapt
from allowance.database.arrays import Array, byteas, integers, texts, times, uuids
from tests.postgres import Database

BERLIN_SUMMER = timezone(timedelta(hours=2))
MOMENT = datetime(2026, 11, 22, 6, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("array", "kind", "expected"),
    [
        (integers([0, -1, 2**63 - 1, -(2**63)]), "bigint[]", f"{{0,-1,{2**63 - 1},{-(2**63)}}}"),
        (integers([None, 5, None]), "bigint[]", "{NULL,5,NULL}"),
        (integers([]), "bigint[]", "{}"),
        (times([MOMENT, MOMENT.astimezone(BERLIN_SUMMER)]), "timestamp with time zone[]",
         '{"2026-11-22 06:00:00.123456+00","2026-11-22 06:00:00.123456+00"}'),
        (times([datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)]),
         "timestamp with time zone[]", '{"1999-12-31 23:59:59.999999+00"}'),
        (times([]), "timestamp with time zone[]", "{}"),
        (uuids([bytes(15) + b"\x01"]), "uuid[]", "{00000000-0000-0000-0000-000000000001}"),
        (uuids([]), "uuid[]", "{}"),
        (texts(["a,b", "", "NULL", "Zürich", "{"]), "text[]", '{"a,b","","NULL",Zürich,"{"}'),
        (texts([]), "text[]", "{}"),
        (byteas([b"\x00\xff", b"ab"], 2), "bytea[]", r'{"\\x00ff","\\x6162"}'),
    ],
)  # fmt: skip
def test_postgres_reads_what_was_meant(
    database: Database, array: Array, kind: str, expected: str
) -> None:
    with psycopg.connect(database.app_url) as app:
        adapt(app)
        app.execute("SET TimeZone = 'UTC'")
        found = app.execute(
            "SELECT pg_typeof(%(array)s)::text, %(array)s::text", {"array": array}
        ).fetchone()
    assert found == (kind, expected)
