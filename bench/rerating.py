"""Measure RerateUsage on a ledger of a million usages: `make bench-rerating`, USAGES= for another.

Each case changes the price of one model and runs the job until nothing is left. It prints usages a
second, the ratio to the first case, and the longest statement. The last lines are runs that find
nothing to do.
"""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import psycopg

from allowance.access.gate import Gate
from allowance.access.store import Origin
from allowance.database.database import Database
from allowance.database.queries import Call
from allowance.database.settings import DatabaseSource
from allowance.rbac.system import USAGE_RERATER, Login
from allowance.usage.rerating import RerateCounts, UsageRerater
from local.postgres import EmbeddedPostgres
from migrations.migrate import migrate

USAGES = int(os.environ.get("USAGES", "1000000"))
PASSWORD = os.urandom(16).hex()

PEOPLE = """
INSERT INTO organizations (name, is_default) SELECT 'o' || n, n = 1 FROM generate_series(1, 5) n;
INSERT INTO users (username) SELECT 'u' || n FROM generate_series(1, 200) n;
INSERT INTO organization_members (organization_id, user_id)
SELECT o.id, u.id FROM organizations o, users u;
SELECT ensure_ai_usage_month(now() - n * interval '1 month') FROM generate_series(0, 24) n;
"""

USAGE = """
INSERT INTO ai_usage (
    id, reason, source, source_id, user_id, group_id, organization_id, provider, model,
    input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cache_write_1h_tokens,
    cost_micros, priced, usage_count, unpriced_usage_count, occurred_at
)
SELECT nextval('ai_usage_id_seq'), 'usage', 'bench', g.n, u.id, o.id, o.id, 'p', %(model)s,
    1000, 0, 0, 0, 0, %(cost)s, %(cost)s::bigint IS NOT NULL, 1,
    (%(cost)s::bigint IS NULL)::integer,
    date_trunc('month', now(), 'UTC') + g.n * %(step)s::interval
FROM generate_series(1, %(usages)s) AS g (n)
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS n FROM users) AS u
    ON u.n = g.n %% 200
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS n FROM organizations) AS o
    ON o.n = g.n %% %(organizations)s
"""

SUMS = (
    "INSERT INTO ai_usage_keys (key_digest, content_sha256, usage_id, cost_micros, occurred_at)"
    " SELECT gen_random_uuid(), sha256(''), id, cost_micros, occurred_at"
    " FROM ai_usage WHERE model = %(model)s",
    "INSERT INTO ai_usage_quarter_hourly (starts_at, organization_id, group_id, provider, model,"
    " cost_micros, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,"
    " cache_write_1h_tokens, usage_count, unpriced_usage_count)"
    " SELECT date_bin('15 minutes', occurred_at, timestamptz '2020-01-01Z'), organization_id,"
    " group_id, provider, model,"
    " coalesce(sum(cost_micros), 0), sum(input_tokens), 0, 0, 0, 0, count(*),"
    " sum(unpriced_usage_count) FROM ai_usage WHERE model = %(model)s GROUP BY 1, 2, 3, 4, 5",
    "ANALYZE",
)

PRICE = (
    "INSERT INTO ai_model_price_versions"
    " (provider, model, source, effective_from, input_price, named, origin)"
    " VALUES ('p', %s, 'custom', '2020-01-01', %s, '{input_price}', 'bench')"
)


class Timed(Database):
    """The real database; it records the longest time of each query."""

    def __init__(self, source: DatabaseSource) -> None:
        super().__init__(source, "bench")
        self.longest: defaultdict[str, float] = defaultdict(float)

    def rows_of[T](self, what: Call[T]) -> list[T]:
        return self._timed(what.query, lambda: super(Timed, self).rows_of(what))

    def run(self, query: str, parameters: Mapping[str, Any]) -> int:
        return self._timed(query, lambda: super(Timed, self).run(query, parameters))

    def _timed[T](self, query: str, work: Callable[[], T]) -> T:
        started = time.perf_counter()
        result = work()
        self.longest[query] = max(self.longest[query], time.perf_counter() - started)
        return result


def rerated(database: Database) -> RerateCounts:
    gate = Gate(USAGE_RERATER.subject, database)
    return UsageRerater(gate, Origin(None, "bench", "bench")).rerate()


def measured(database: Timed, label: str, usages: int, first: float | None) -> float:
    """Run the job until nothing is left. Print and return how many usages a second it rated."""
    database.longest.clear()
    started, runs, corrected = time.perf_counter(), 0, 0
    while True:
        counts = rerated(database)
        runs, corrected = runs + 1, corrected + counts.corrected
        if not counts.unfinished:
            break
    if corrected != usages:
        raise RuntimeError(f"{corrected} of {usages} usages were corrected.")
    rate = usages / (time.perf_counter() - started)
    query, longest = max(database.longest.items(), key=lambda each: each[1])
    print(
        f"{label:44}{usages:10,}{runs:6}{rate:10,.0f}{rate / (first or rate):7.2f}"
        f"{longest * 1000:9.0f} ms {query}"
    )
    return rate


def generate(owner: psycopg.Connection[Any], **parameters: Any) -> None:
    for statement in (USAGE, *SUMS):
        owner.execute(statement.encode(), parameters if "%(" in statement else None)


def main() -> None:
    with EmbeddedPostgres() as server, psycopg.connect(server.url, autocommit=True) as owner:
        migrate(owner, passwords={Login.JOBS: PASSWORD})
        owner.execute("SET synchronous_commit = off")
        owner.execute(PEOPLE.encode())
        parts = urlsplit(server.url)
        host = parts.netloc.rpartition("@")[2]
        app_url = parts._replace(netloc=f"{Login.JOBS}:{PASSWORD}@{host}").geturl()
        database = Timed(DatabaseSource(app_url))
        print(
            f"{'case':44}{'usages':>10}{'runs':>6}{'usages/s':>10}{'ratio':>7}   longest statement"
        )
        tenth, few = USAGES // 10, USAGES // 100
        owner.execute(PRICE.encode(), ("small", 1))
        owner.execute(PRICE.encode(), ("large", 1))
        owner.execute(PRICE.encode(), ("rare", 1))
        rerated(database)
        apart = f"{25 * 86_400 / USAGES} seconds"
        five = {"organizations": 5, "cost": 0}
        generate(owner, model="small", usages=tenth, step=f"{25 * 86_400 / tenth} seconds", **five)
        owner.execute(PRICE.encode(), ("small", 2_000_000))
        first = measured(database, "of a model, over 25 days", tenth, None)
        generate(owner, model="large", usages=USAGES, step=apart, **five)
        owner.execute(PRICE.encode(), ("large", 2_000_000))
        measured(database, "ten times as many", USAGES, first)
        owner.execute(PRICE.encode(), ("large", 3_000_000))
        measured(database, "the same again, corrected once", USAGES, first)
        generate(owner, model="rare", usages=few, step=f"{25 * 86_400 / few} seconds", **five)
        owner.execute(PRICE.encode(), ("rare", 2_000_000))
        measured(database, "of a rare model in the same hours", few, first)
        at_once = {"step": "0 seconds", "organizations": 1, "usages": tenth}
        generate(owner, model="at-once", cost=None, **at_once)
        owner.execute(PRICE.encode(), ("at-once", 2_000_000))
        measured(database, "unpriced, of one moment and organization", tenth, first)
        generate(owner, model="never", cost=None, **at_once)
        for label, change in (
            ("nothing changed", None),
            ("another model's price changed", ("unused", 1)),
            ("the rules changed, a model has no price", "UPDATE ai_usage_rating SET rules = ''"),
        ):
            if isinstance(change, str):
                owner.execute(change.encode())
            elif change:
                owner.execute(PRICE.encode(), change)
            started = time.perf_counter()
            rerated(database)
            print(f"{label:44}{(time.perf_counter() - started) * 1000:10.1f} ms")
        database.close()


if __name__ == "__main__":
    main()
