"""Measure how fast usage is recorded, by batch size, against COPY of the same rows: `make bench`.

Recording includes everything from the records as JSON to the results as JSON: keys, prices, costs
and sums. It uses one connection, and each batch is durable before its results.

COPY writes finished rows, with one commit per batch, in three ways. The first writes the entries
and the keys, into tables like ours with their primary keys. The second writes the entries alone,
the third the entries alone into a table without an index. All ways take turns, so that a busy
machine is equally busy for each.
"""

import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

import psycopg

from allowance.access.gate import Gate
from allowance.access.handle import Handle
from allowance.contract.json_document import json_object
from allowance.contract.money import with_dollars
from allowance.database.database import Database
from allowance.database.settings import DatabaseSource
from allowance.rbac.policy import USAGE, Action
from allowance.rbac.system import USAGE_INGESTER
from allowance.usage.models import UsageAnswers, UsageBatch
from allowance.usage.recording import record
from allowance.usage.settling import NOBODY
from local.postgres import EmbeddedPostgres
from migrations.migrate import migrate

SIZES = {1: 300, 10: 200, 100: 100, 1000: 40}
"""The number of batches by size."""

USERS, MODELS = 200, 10
DIRECTORY = """
INSERT INTO organizations (name, is_default) SELECT 'o' || n, n = 1 FROM generate_series(1, 3) n;
INSERT INTO users (username) SELECT 'u' || n FROM generate_series(1, 200) n;
INSERT INTO organization_members (organization_id, user_id)
SELECT o.id, u.id FROM organizations o, users u
WHERE hashtext(o.name || u.username) % 2 = 0 OR o.is_default;
INSERT INTO groups (organization_id, name)
SELECT id, 'g' || n FROM organizations, generate_series(1, 10) n;
INSERT INTO group_members
SELECT g.id, m.user_id FROM groups g JOIN organization_members m USING (organization_id)
WHERE g.id <> g.organization_id AND hashtext(g.id::text || m.user_id::text) % 5 = 0;
INSERT INTO group_ai_budgets SELECT id, 1000000000 FROM groups;
INSERT INTO ai_model_price_versions
    (provider, model, source, effective_from, input_price, output_price, origin)
SELECT 'openai', 'gpt-' || n, 'default', '-infinity', 1000000 * n, 5000000 * n, 'bench'
FROM generate_series(1, 10) n;
INSERT INTO ai_model_price_versions
    (provider, model, source, effective_from, input_price, output_price, origin)
SELECT 'other', 'model-' || n, 'default', '-infinity', n, n, 'bench'
FROM generate_series(1, 6000) n;
CREATE TABLE bench_ledger (LIKE ai_usage INCLUDING ALL) PARTITION BY RANGE (occurred_at);
CREATE TABLE bench_ledger_all PARTITION OF bench_ledger DEFAULT;
CREATE TABLE bench_entries (LIKE ai_usage INCLUDING ALL) PARTITION BY RANGE (occurred_at);
CREATE TABLE bench_entries_all PARTITION OF bench_entries DEFAULT;
CREATE TABLE bench_keys (LIKE ai_usage_keys INCLUDING ALL);
CREATE TABLE bench_heap (LIKE ai_usage INCLUDING DEFAULTS);
ANALYZE;
"""
BUDGETS = """
INSERT INTO ai_budgets (
    organization_id, name, scope, per, models, limit_micros, period_unit, time_zone, week_starts,
    year_starts, enforcement, thresholds, rollover_micros
)
SELECT o.id, b.per, 'organization', b.per, '{*}', 1000000000000000, 'month', 'UTC', 1, 1,
    'enforce', '{}', 0
FROM organizations o, unnest('{total,member}'::text[]) AS b (per);
ANALYZE ai_budgets;
"""
"""A pool and a budget of each member, for each organization."""


def batches(size: int, count: int) -> Iterator[bytes]:
    """Yield batches like a gateway's: usage of the last hour, by 200 users, of ten models."""
    chance = random.Random(size)  # noqa: S311
    start = datetime.now(UTC) - timedelta(hours=1)
    for number in range(count):
        records = [
            {
                "source": "bench",
                "id": f"{size}-{number}-{place}",
                "user": f"u{chance.randint(1, USERS)}",
                "provider": "openai",
                "model": f"gpt-{chance.randint(1, MODELS)}",
                "occurred_at": (start + timedelta(seconds=chance.randint(0, 3600))).isoformat(),
                "tokens": {
                    "input": chance.randint(100, 10_000),
                    "output": chance.randint(10, 2_000),
                },
            }
            for place in range(size)
        ]
        yield json.dumps({"records": records}).encode()


WAYS = (("bench_entries", "bench_keys"), ("bench_ledger",), ("bench_heap",))
ROWS = {
    "ai_usage": "SELECT u.* FROM ai_usage u WHERE u.source_id LIKE %s ORDER BY u.id",
    "ai_usage_keys": (
        "SELECT d.* FROM ai_usage_keys d JOIN ai_usage u ON u.id = d.usage_id"
        " WHERE u.source_id LIKE %s"
    ),
}


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def recorded(db: Handle, body: bytes) -> None:
    batch = UsageBatch.model_validate(json_object(body))
    response = UsageAnswers(results=record(db, batch.records, datetime.now(UTC), NOBODY))
    with_dollars(response.model_dump_json())
    if any(each.status != "recorded" or not each.priced for each in response.results):
        raise RuntimeError("Every usage must be recorded with a price.")


def rows_of(owner: psycopg.Connection, query: str, prefix: str) -> bytes:
    """Return the rows that a batch inserted, in COPY's format."""
    with (
        owner.cursor() as cursor,
        cursor.copy(f"COPY ({query}) TO STDOUT".encode(), (f"{prefix}-%",)) as copy,
    ):
        return b"".join(bytes(row) for row in copy)


def copied(owner: psycopg.Connection, rows: Mapping[str, bytes]) -> None:
    with owner.transaction(), owner.cursor() as cursor:
        for table, content in rows.items():
            with cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy:
                copy.write(content)


def measured(owner: psycopg.Connection, db: Handle, size: int, count: int) -> list[float]:
    """Return the median seconds per batch: recording it, then each way to COPY its rows."""
    taken: list[list[float]] = [[], *([] for _ in WAYS)]
    for number, body in enumerate(batches(size, count)):
        taken[0].append(seconds(lambda body=body: recorded(db, body)))
        entries, keys = (rows_of(owner, query, f"{size}-{number}") for query in ROWS.values())
        for place, tables in enumerate(WAYS, start=1):
            rows = dict(zip(tables, (entries, keys), strict=False))
            taken[place].append(seconds(lambda rows=rows: copied(owner, rows)))
    return [statistics.median(each) for each in taken]


def main() -> None:
    with EmbeddedPostgres() as server, psycopg.connect(server.url, autocommit=True) as owner:
        migrate(owner)
        owner.execute(DIRECTORY.encode())
        if os.environ.get("BUDGETS") != "0":
            owner.execute(BUDGETS.encode())
        database = Database(DatabaseSource(server.url), "bench")
        db = Gate(USAGE_INGESTER.subject, database).open(Action.CREATE, USAGE)
        for body in list(batches(7, 20)):  # warms the connection and the caches
            recorded(db, body)
        print(
            f"{'batch':>6}{'recorded/s':>12}{'COPY/s':>10}{'ratio':>7}{'entries/s':>13}{'ratio':>7}"
            f"{'no index/s':>12}{'ratio':>7}"
        )
        for size, count in SIZES.items():
            ours, same, entries, bare = (size / each for each in measured(owner, db, size, count))
            print(
                f"{size:6}{ours:12.0f}{same:10.0f}{ours / same:7.2f}"
                f"{entries:13.0f}{ours / entries:7.2f}{bare:12.0f}{ours / bare:7.2f}"
            )
        database.close()


if __name__ == "__main__":
    sys.exit(main())
