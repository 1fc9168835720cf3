"""Measure decisions before a call, by concurrency: `make bench-decisions`, SECONDS= for each run.

pgbench sends the statement of a decision, as a gateway's function does, for one user and for 1,000
users. It takes turns with a bare function of the same shape, so that a busy machine is equally busy
for both: lock and update a counter, lock a sum, insert a hold and a reservation into tables with
the same indexes. Each commit is durable. A session plans its statements in its first second, which
is left out: a function keeps its session for hours.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple

import psycopg

from local.postgres import EmbeddedPostgres
from local.postgres_host import default_binaries
from migrations.migrate import migrate

SECONDS = int(os.environ.get("SECONDS", "5"))
WARM_SECONDS = 1
ROUNDS = 2
USERS = (1, 1000)
CONNECTIONS = (1, 4, 16)

DIRECTORY = """
INSERT INTO organizations (name, is_default) VALUES ('acme', true);
INSERT INTO users (id, username)
SELECT lpad(n::text, 32, '0')::uuid, 'u' || n FROM generate_series(1, 1000) n;
INSERT INTO organization_members (organization_id, user_id)
SELECT o.id, u.id FROM organizations o, users u;
INSERT INTO groups (organization_id, name)
SELECT id, 'g' || n FROM organizations, generate_series(1, 3) n;
INSERT INTO group_members
SELECT g.id, u.id FROM groups g, users u WHERE g.id <> g.organization_id;
INSERT INTO group_ai_budgets SELECT id, 1000000000000 FROM groups;
"""
BARE = """
CREATE TABLE bare_reserved (LIKE ai_user_reserved INCLUDING ALL) WITH (fillfactor = 70);
CREATE TABLE bare_spend (LIKE ai_user_spend_monthly INCLUDING ALL) WITH (fillfactor = 70);
CREATE TABLE bare_holds (LIKE ai_reservation_holds INCLUDING ALL);
CREATE TABLE bare_reservations (LIKE ai_reservations INCLUDING ALL);
INSERT INTO bare_reserved (user_id) SELECT id FROM users;
INSERT INTO bare_spend SELECT id, '2026-01-01', 0 FROM users;
-- Ours too: a session that plans while a table is empty reads all of it until it is analyzed.
INSERT INTO ai_user_reserved (user_id) SELECT id FROM users;
INSERT INTO ai_user_spend_monthly (user_id, month, cost_micros)
SELECT id, date_trunc('month', now() AT TIME ZONE 'UTC')::date, 0 FROM users;
CREATE FUNCTION bare(p_user_id uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_id uuid := gen_random_uuid();
    v_now timestamptz := clock_timestamp();
BEGIN
    UPDATE bare_reserved AS r SET reserved_micros = r.reserved_micros + 1
    WHERE r.user_id = p_user_id;
    PERFORM FROM bare_spend AS s WHERE s.user_id = p_user_id FOR NO KEY UPDATE;
    INSERT INTO bare_holds VALUES (p_user_id, v_now, v_id, 1, v_id);
    INSERT INTO bare_reservations (
        id, granted_at, key_digest, content_sha256, maker_id, user_id, group_id, organization_id,
        provider, model, estimate_micros, expires_at, facts
    )
    VALUES (
        v_id, v_now, v_id, sha256(''), v_id, p_user_id, v_id, v_id, 'p', 'm', 1, v_now, '{}'
    );
END
$$;
ANALYZE;
-- A partition that is analyzed while it is empty is read from end to end.
SELECT ensure_ai_reservation_month(now());
"""
# A gateway's function sends the key as a digest. gen_random_uuid() would ask the kernel for it.
DECISION = """SELECT reserve_ai_spend(
    md5(random()::text)::uuid, sha256(''), '00000000-0000-0000-0000-000000000007',
    lpad({user}::text, 32, '0')::uuid, NULL, true, 'p', 'm', NULL, NULL, 1, NULL, NULL, NULL, 600,
    false, NULL, NULL
) AS facts"""
STATEMENTS = {
    "decision": f"\\set n random(1, :users)\n{DECISION.format(user=':n')};\n",
    "bare": """\\set n random(1, :users)
SELECT bare(lpad(:n::text, 32, '0')::uuid);
""",
}


class Run(NamedTuple):
    """Transactions a second, and latencies in milliseconds."""

    rate: float
    p50: float
    p99: float


def run(url: str, script: Path, connections: int, *options: str) -> list[int]:
    """Return the latency in microseconds of each transaction of SECONDS, after WARM_SECONDS.

    Raise CalledProcessError if a session fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [
                str(default_binaries() / "pgbench"),
                *("-n", "-f", str(script), "-c", str(connections), "-j", str(min(connections, 2))),
                *("-T", str(WARM_SECONDS + SECONDS), "-l", f"--log-prefix={folder}/log"),
                *options,
                url,
            ],
            check=True,
            capture_output=True,
        )
        lines = [
            line.split() for log in Path(folder).iterdir() for line in log.read_text().splitlines()
        ]
    # A line has the latency in its third place, and the end in seconds and microseconds.
    ends = [int(line[4]) * 1_000_000 + int(line[5]) for line in lines]
    warm = min(ends) + WARM_SECONDS * 1_000_000
    return [int(line[2]) for line, end in zip(lines, ends, strict=True) if end > warm]


def measured(url: str, folder: Path, users: int, connections: int) -> dict[str, Run]:
    """Return the figures of the decision and of the bare statement."""
    taken: dict[str, list[int]] = {name: [] for name in STATEMENTS}
    for _ in range(ROUNDS):
        for name in STATEMENTS:
            taken[name] += run(
                url, folder / name, connections, "-M", "extended", "-D", f"users={users}"
            )
    found: dict[str, Run] = {}
    for name, latencies in taken.items():
        hundredths = quantiles(latencies, n=100)
        rate = len(latencies) / (ROUNDS * SECONDS)
        found[name] = Run(rate, hundredths[49] / 1000, hundredths[98] / 1000)
    return found


def main() -> None:
    with (
        EmbeddedPostgres() as server,
        psycopg.connect(server.url, autocommit=True) as owner,
        tempfile.TemporaryDirectory() as folder,
    ):
        migrate(owner)
        owner.execute(DIRECTORY.encode())
        owner.execute(BARE.encode())
        for name, statement in STATEMENTS.items():
            (Path(folder) / name).write_text(statement)
        print(
            f"{'users':>6}{'conns':>7}{'decisions/s':>13}{'bare/s':>9}{'ratio':>7}"
            f"{'p50 ms':>8}{'bare':>7}{'p99 ms':>8}{'bare':>7}{'ratio':>7}"
        )
        for users in USERS:
            for connections in CONNECTIONS:
                ours, bare = measured(server.url, Path(folder), users, connections).values()
                print(
                    f"{users:6}{connections:7}{ours.rate:13.0f}{bare.rate:9.0f}"
                    f"{ours.rate / bare.rate:7.2f}{ours.p50:8.1f}{bare.p50:7.1f}"
                    f"{ours.p99:8.1f}{bare.p99:7.1f}{ours.p99 / bare.p99:7.2f}",
                    flush=True,
                )


if __name__ == "__main__":
    sys.exit(main())
