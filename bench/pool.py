"""Measure decisions of a pool that many members share: the second half of `make bench-decisions`.

A budget of the organization limits 10,000 members together. pgbench runs 16 sessions, each for a
member at random. The counter of the budget is in 16 parts, so that calls at the same time do not
wait for each other. In turns with it runs a budget whose counter is one row.

The grant is what the counter is for: it holds an amount in the budget, and locks the sum of the
user. It is measured alone and prepared, beside the bare UPDATE of one row. A decision does the
same after it has read all limits, and records a reservation.

Then the sessions take a limit of as many micro-units as it has grants, one by one, to its end.
"""

import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from bench.decisions import DECISION, ROUNDS, SECONDS, run
from local.postgres import EmbeddedPostgres
from migrations.migrate import migrate

MEMBERS = 10_000
CONNECTIONS = 16
GRANTS = 10_000
PLENTY = 10**15

DIRECTORY = """
INSERT INTO organizations (name, is_default) VALUES ('acme', true);
INSERT INTO users (id, username)
SELECT lpad(n::text, 32, '0')::uuid, 'u' || n FROM generate_series(1, 10000) n;
INSERT INTO organization_members (organization_id, user_id)
SELECT o.id, u.id FROM organizations o, users u;
INSERT INTO group_ai_budgets SELECT id, 1000000000000 FROM organizations;
INSERT INTO ai_user_reserved (user_id) SELECT id FROM users;
INSERT INTO ai_user_spend_monthly (user_id, month, cost_micros)
SELECT id, date_trunc('month', now() AT TIME ZONE 'UTC')::date, 0 FROM users;
SELECT ensure_ai_reservation_month(now());
CREATE TABLE bare_counter (id bigint PRIMARY KEY, reserved numeric, limit_micros numeric)
WITH (fillfactor = 70);
INSERT INTO bare_counter VALUES (1, 0, 1000000000000000);
ANALYZE;
"""
POOL = """
INSERT INTO ai_budgets (
    organization_id, name, scope, per, models, limit_micros, period_unit, time_zone, week_starts,
    year_starts, enforcement, thresholds, rollover_micros
)
SELECT id, 'pool', 'organization', 'total', '{*}', %(limit)s, 'none', 'UTC', 1, 1, 'enforce', '{}',
    %(rollover)s
FROM organizations
"""
"""A budget of one total. With a rollover its counter has one part."""

NO_POOL = "DELETE FROM ai_budgets"
HELD = """
SELECT sum(c.reserved_micros)
FROM ai_budget_counters AS c JOIN ai_budgets AS b ON b.id = c.budget_id
"""
MEMBER = f"\\set n random(1, {MEMBERS})\n" + DECISION.format(user=":n") + ";\n"
ONE_ROW = """UPDATE bare_counter SET reserved = reserved + 1
WHERE id = 1 AND reserved + 1 <= limit_micros;
"""


GRANT = f"""\\set n random(1, {MEMBERS})
SELECT hold_ai_budgets(
    ARRAY[b], ARRAY[''], ARRAY['-infinity'::timestamptz], 1, now() + interval '10 min',
    gen_random_uuid(), lpad(:n::text, 32, '0')::uuid,
    date_trunc('month', now() AT TIME ZONE 'UTC')::date, NULL
)
FROM ai_budgets AS b;
"""  # noqa: S608


class Case(NamedTuple):
    """What pgbench runs, in which mode, and the rollover of the pool; None: there is no pool."""

    label: str
    script: str
    mode: str
    rollover: int | None


GRANTS_ALONE = (
    Case("a grant, 16 parts", GRANT, "prepared", 0),
    Case("a grant, 1 part", GRANT, "prepared", 1),
    Case("a bare UPDATE of one row", ONE_ROW, "prepared", None),
)
DECISIONS = (
    Case("a decision, 16 parts", MEMBER, "extended", 0),
    Case("a decision, 1 part", MEMBER, "extended", 1),
    Case("a decision, no pool", MEMBER, "extended", None),
)


class Attempt(NamedTuple):
    """A decision of a session, and when it ran, in seconds."""

    outcome: str
    started: float
    ended: float


def set_pool(owner: psycopg.Connection[Any], limit: int, rollover: int | None) -> None:
    owner.execute(NO_POOL)
    if rollover is not None:
        owner.execute(POOL, {"limit": limit, "rollover": rollover})


def measure(owner: psycopg.Connection[Any], url: str, script: Path, cases: Sequence[Case]) -> None:
    counts: dict[str, int] = {case.label: 0 for case in cases}
    for _ in range(ROUNDS):
        for case in cases:
            set_pool(owner, PLENTY, case.rollover)
            script.write_text(case.script)
            counts[case.label] += len(run(url, script, CONNECTIONS, "-M", case.mode))
    ours = counts[cases[0].label]
    print(f"{'10,000 members, 16 connections':34}{'a second':>10}{'ratio':>8}")
    for label, count in counts.items():
        print(f"{label:34}{count / (ROUNDS * SECONDS):10.0f}{ours / count:8.2f}", flush=True)


def attempts_of(url: str, start: threading.Barrier, member: int) -> list[Attempt]:
    """Return the decisions of a session until three were refused."""
    found: list[Attempt] = []
    refusals = 0
    with psycopg.connect(url, autocommit=True) as session:
        start.wait()
        while refusals < 3:
            member = member % MEMBERS + 1
            started = time.perf_counter()
            ((facts,),) = session.execute(DECISION.format(user=member).encode()).fetchall()
            found.append(Attempt(facts["outcome"], started, time.perf_counter()))
            refusals += facts["outcome"] != "granted"
    return found


def spend_to_the_end(owner: psycopg.Connection[Any], url: str) -> None:
    """Take a limit to its end. Raise AssertionError unless each micro-unit is granted once, and
    none is refused while there is room.
    """
    set_pool(owner, GRANTS, 0)
    start = threading.Barrier(CONNECTIONS)
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        found = threads.map(
            lambda n: attempts_of(url, start, n * MEMBERS // CONNECTIONS), range(CONNECTIONS)
        )
        attempts = [each for of_session in found for each in of_session]
    grants = [each for each in attempts if each.outcome == "granted"]
    refusals = [each for each in attempts if each.outcome == "refused"]
    ((held,),) = owner.execute(HELD).fetchall()
    # Nothing is given back, so a grant that began after the response of a refusal had room then.
    last_grant = max(each.started for each in grants)
    early = sum(each.ended < last_grant for each in refusals)
    print(
        f"a limit of {GRANTS:,}: {len(grants):,} grants, {held:,.0f} held,"
        f" {len(refusals)} refusals, {early} of them too early, 0 failed"
    )
    if (len(grants), early, held) != (GRANTS, 0, GRANTS):
        raise AssertionError("The limit was not met exactly.")


def main() -> None:
    with (
        EmbeddedPostgres() as server,
        psycopg.connect(server.url, autocommit=True) as owner,
        tempfile.TemporaryDirectory() as folder,
    ):
        migrate(owner)
        owner.execute(DIRECTORY.encode())
        for cases in (GRANTS_ALONE, DECISIONS):
            measure(owner, server.url, Path(folder) / "script", cases)
        spend_to_the_end(owner, server.url)


if __name__ == "__main__":
    sys.exit(main())
