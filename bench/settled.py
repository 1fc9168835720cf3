"""Measure decisions and settlements beside many settled reservations: `make bench-settled`, ROWS=.

One database has none, the other has ROWS of the current month, each with its settlement. A decision
and its final settlement take turns on both, so that a busy machine is equally busy for both. Each
commit is durable.
"""

import os
import sys
import time
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from statistics import median
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import psycopg

from allowance.database.database import Database
from allowance.database.queries import call
from allowance.database.settings import DatabaseSource
from allowance.reservations.facts import Decided
from allowance.usage.ledger import call_of_entries
from allowance.usage.records import usage_of
from allowance.usage.reservation_ids import granted_at
from allowance.usage.settling import settlement_of
from bench.decisions import DIRECTORY
from local.postgres import EmbeddedPostgres
from migrations.migrate import migrate

ROWS = int(os.environ.get("ROWS", str(10**7)))
TURNS = int(os.environ.get("TURNS", "2000"))
USERS = 1000

# Indexes are made when the partitions are attached, which is quicker than row by row.
PARTITIONS = """
CREATE TABLE ai_reservations_{month}
(LIKE ai_reservations INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
CREATE TABLE ai_reservation_settlements_{month}
(LIKE ai_reservation_settlements INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
"""
SETTLED = """
WITH made AS MATERIALIZED (
    SELECT n,
        date_trunc('month', now(), 'UTC') + n * ({seconds} * interval '1 second' / {rows}) AS at
    FROM generate_series(1, {rows}) AS n
),
reserved AS (
    INSERT INTO ai_reservations_{month} (
        id, granted_at, key_digest, content_sha256, maker_id, user_id, group_id, organization_id,
        provider, model, estimate_micros, expires_at, closed_at, state, settled_micros, facts
    )
    SELECT ai_uuid_of(m.at), date_trunc('milliseconds', m.at), gen_random_uuid(),
        sha256(m.n::text::bytea), lpad((m.n % 7)::text, 32, '0')::uuid,
        lpad((m.n % {users} + 1)::text, 32, '0')::uuid, o.id, o.id, 'p', 'm', 10, m.at, m.at,
        'settled', 9, '{{"outcome": "granted"}}'
    FROM made AS m CROSS JOIN organizations AS o
    RETURNING id, granted_at
)
INSERT INTO ai_reservation_settlements_{month} (
    reservation_id, granted_at, usage_key_digest, content_sha256, source, source_id, cost_micros,
    facts
)
SELECT r.id, r.granted_at, gen_random_uuid(), sha256(''), 'bench', r.id::text, 9, '{{}}'
FROM reserved AS r
"""
ATTACH = """
ALTER TABLE ai_reservations ATTACH PARTITION ai_reservations_{month}
FOR VALUES FROM ('{starts}') TO ('{ends}');
ALTER TABLE ai_reservation_settlements ATTACH PARTITION ai_reservation_settlements_{month}
FOR VALUES FROM ('{starts}') TO ('{ends}');
"""


def fill(owner: psycopg.Connection[tuple[object, ...]], rows: int) -> None:
    """Create the partitions of the current month, with settled reservations of its past."""
    now = datetime.now(UTC)
    starts = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    ends = starts.replace(year=now.year + now.month // 12, month=now.month % 12 + 1)
    names = {"month": f"{now:%Y_%m}", "starts": starts, "ends": ends, "users": USERS}
    owner.execute(PARTITIONS.format(**names).encode())
    if rows:
        seconds = int((now - starts).total_seconds())
        owner.execute(SETTLED.format(rows=rows, seconds=seconds, **names).encode())
    owner.execute(ATTACH.format(**names).encode())
    owner.execute("VACUUM ANALYZE")


def timed(database: Database, turn: int) -> tuple[float, float]:
    """Return the milliseconds of a decision, and of its settlement."""
    key = uuid4()
    decision = call(
        Decided,
        "reserve_ai_spend",
        key_digest=key,
        content_sha256=sha256(b"").digest(),
        maker_id=UUID(int=7),
        user_id=UUID(f"{turn % USERS + 1:032}"),
        group_id=None,
        is_in_group=True,
        provider="p",
        model="m",
        variant=None,
        labels=None,
        estimate_micros=Decimal(10),
        estimated_input=None,
        estimated_output=None,
        unpriced_default=None,
        ttl_seconds=600,
        dry_run=False,
        price=None,
        organization_id=None,
    )
    started = time.perf_counter()
    facts = database.rows_of(decision)[0].facts
    decided = time.perf_counter()
    reservation_id = getattr(facts, "reservation_id", None)
    granted = reservation_id and granted_at(reservation_id)
    if granted is None:
        raise SystemExit(f"no grant: {facts}")
    usage = usage_of(
        {
            "source": "bench",
            "id": str(key),
            "user": "u1",
            "provider": "p",
            "model": "m",
            "occurred_at": datetime.now(UTC).isoformat(),
            "tokens": {"input": 1},
        }
    )
    settlement = settlement_of(usage, reservation_id, granted, 9 * 10**6, is_new=True)
    between = time.perf_counter()
    database.rows_of(call_of_entries([], [], [settlement]))
    return (decided - started) * 1000, (time.perf_counter() - between) * 1000


def main() -> None:
    with EmbeddedPostgres() as server:
        databases: dict[int, Database] = {}
        for rows in (0, ROWS):
            url = urlunsplit(urlsplit(server.url)._replace(path=f"/settled_{rows}"))
            with psycopg.connect(server.url, autocommit=True) as owner:
                owner.execute(f"CREATE DATABASE settled_{rows}".encode())
            with psycopg.connect(url, autocommit=True) as owner:
                migrate(owner)
                owner.execute(DIRECTORY.encode())
                started = time.monotonic()
                fill(owner, rows)
                print(f"{rows:,} rows in {time.monotonic() - started:.0f} s", flush=True)
            databases[rows] = Database(DatabaseSource(url), "bench")
        taken: dict[int, list[tuple[float, float]]] = {rows: [] for rows in databases}
        for turn in range(TURNS):
            for rows, database in databases.items():
                taken[rows].append(timed(database, turn))
        print(f"{'settled':>12}{'reserve p50 ms':>16}{'settle p50 ms':>15}")
        for rows, times in taken.items():
            reserve, settle = (median(each[kind] for each in times[100:]) for kind in (0, 1))
            print(f"{rows:12,}{reserve:16.2f}{settle:15.2f}")
            databases[rows].close()


if __name__ == "__main__":
    sys.exit(main())
