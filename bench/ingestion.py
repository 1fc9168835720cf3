"""How fast usage is recorded, by batch size, against COPY of the very same rows: `make bench`.

Recorded is from the records as JSON to the answers as JSON, with keys, prices, costs and sums, one connection, each
batch durable when it is answered. COPY writes the rows of the ledger alone, ready made, a commit for each batch: into a
ledger like ours, with its primary key, and into a table without any index.
"""

import json
import random
import statistics
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg

from allowance.database import Database
from allowance.json_document import json_object
from allowance.settings import DatabaseSource
from allowance.usage import UsageAnswers, UsageBatch
from allowance.usage_ledger import record
from local.postgres import EmbeddedPostgres
from migrations.migrate import migrate

SIZES = {1: 300, 10: 200, 100: 100, 1000: 40}
"""How many batches of each size."""

USERS, MODELS = 200, 10
DIRECTORY = """
INSERT INTO organizations (name, is_default) SELECT 'o' || n, n = 1 FROM generate_series(1, 3) n;
INSERT INTO users (username) SELECT 'u' || n FROM generate_series(1, 200) n;
INSERT INTO organization_members (organization_id, user_id)
SELECT o.id, u.id FROM organizations o, users u WHERE hashtext(o.name || u.username) % 2 = 0 OR o.is_default;
INSERT INTO groups (organization_id, name) SELECT id, 'g' || n FROM organizations, generate_series(1, 10) n;
INSERT INTO group_members SELECT g.id, m.user_id FROM groups g JOIN organization_members m USING (organization_id)
WHERE g.id <> g.organization_id AND hashtext(g.id::text || m.user_id::text) % 5 = 0;
INSERT INTO group_ai_budgets SELECT id, 1000000000 FROM groups;
INSERT INTO ai_model_price_versions (provider, model, source, effective_from, input_price, output_price, origin)
SELECT 'openai', 'gpt-' || n, 'default', '-infinity', 1000000 * n, 5000000 * n, 'bench'
FROM generate_series(1, 10) n;
INSERT INTO ai_model_price_versions (provider, model, source, effective_from, input_price, output_price, origin)
SELECT 'other', 'model-' || n, 'default', '-infinity', n, n, 'bench' FROM generate_series(1, 6000) n;
CREATE TABLE bench_ledger (LIKE ai_usage INCLUDING ALL) PARTITION BY RANGE (occurred_at);
CREATE TABLE bench_ledger_all PARTITION OF bench_ledger DEFAULT;
CREATE UNLOGGED TABLE bench_heap (LIKE ai_usage INCLUDING DEFAULTS);
ALTER TABLE bench_heap SET LOGGED;
ANALYZE;
"""


def batches(size: int, count: int) -> Iterator[bytes]:
    """Batches as a gateway would send them: of its last hour, two hundred people, ten models."""
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
                "tokens": {"input": chance.randint(100, 10_000), "output": chance.randint(10, 2_000)},
            }
            for place in range(size)
        ]
        yield json.dumps({"records": records}).encode()


def recorded(db: Database, size: int, count: int) -> list[float]:
    """Seconds for each batch."""
    taken: list[float] = []
    for body in list(batches(size, count)):
        started = time.perf_counter()
        batch = UsageBatch.model_validate(json_object(body))
        answers = UsageAnswers(results=record(db, batch.records, datetime.now(UTC)))
        answers.model_dump_json()
        taken.append(time.perf_counter() - started)
        if any(each.status != "recorded" or not each.priced for each in answers.results):
            raise RuntimeError("The benchmark measures what it should not.")
    return taken


def copied(owner: psycopg.Connection, table: str, size: int, count: int) -> list[float]:
    """Seconds for each batch of the same rows, by COPY."""
    with (
        owner.cursor() as cursor,
        cursor.copy(
            "COPY (SELECT u.* FROM ai_usage u JOIN ai_usage_keys k ON k.usage_id = u.id"
            " WHERE k.id LIKE %s ORDER BY u.id) TO STDOUT",
            (f"{size}-%",),
        ) as copy,
    ):
        rows = [bytes(row) for row in copy]
    if len(rows) != size * count:
        raise RuntimeError("The rows are not those of the batches.")
    taken: list[float] = []
    for first in range(0, len(rows), size):
        content = b"".join(rows[first : first + size])
        started = time.perf_counter()
        with owner.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy:
            copy.write(content)
        taken.append(time.perf_counter() - started)
    return taken


def main() -> None:
    with EmbeddedPostgres() as server, psycopg.connect(server.url, autocommit=True) as owner:
        migrate(owner)
        owner.execute(DIRECTORY.encode())
        db = Database(DatabaseSource(server.url), "bench")
        recorded(db, 7, 20)  # warms the connection and the caches
        print(f"{'batch':>6}{'recorded/s':>12}{'COPY/s':>10}{'ratio':>7}{'COPY, no index/s':>18}{'ratio':>7}")
        for size, count in SIZES.items():
            ours = size / statistics.median(recorded(db, size, count))
            like, bare = (
                size / statistics.median(copied(owner, table, size, count)) for table in ("bench_ledger", "bench_heap")
            )
            print(f"{size:6}{ours:12.0f}{like:10.0f}{ours / like:7.2f}{bare:18.0f}{ours / bare:7.2f}")
        db.close()


if __name__ == "__main__":
    sys.exit(main())
