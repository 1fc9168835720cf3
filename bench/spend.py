"""Measure the spend routes, the overview and the reports with 100,000 users, 1,000 groups and
12,000,000 usages, and print their plans: `make bench-spend`.

It is the worst case: every user works on 29 days of the last month and today, all spend of a
group's 10,000 members counts for that group, and usage is spread over QUARTERS quarters of an hour
of a day. The days of the last month are rolled up. It takes 10 GB of disk and some minutes.
"""

import os
import time
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg

from allowance.access.session import Ping
from allowance.database.database import Database
from allowance.database.queries import call, queries
from allowance.database.settings import DatabaseSource
from allowance.rbac.system import Login
from allowance.spend.models import GroupTotals, MemberTotals, UserSpend
from bench import spend_overview, spend_reports
from bench.rolled_days import last_month, roll_up
from bench.spend_series import periods, series
from bench.timing import median_ms
from local.postgres import EmbeddedPostgres
from migrations.migrate import migrate

USERS = int(os.environ.get("USERS", "100000"))
MEMBERS = USERS // 10
USAGES_PER_DAY = 4
QUARTERS = int(os.environ.get("QUARTERS", "64"))
RUNS = 15
PASSWORD = os.urandom(16).hex()
ORGANIZATION, GROUP = UUID(int=1), UUID(int=2)
EXPLAIN = "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) "

GENERATED = {
    "people": (
        "INSERT INTO organizations (id, name, is_default) VALUES (%(organization)s, 'acme', true)",
        "INSERT INTO users (username) SELECT 'u' || n FROM generate_series(1, %(users)s) AS n",
        "INSERT INTO organization_members (organization_id, user_id)"
        " SELECT %(organization)s, id FROM users",
        "INSERT INTO groups (id, organization_id, name)"
        " VALUES (%(group)s, %(organization)s, 'large')",
        "INSERT INTO groups (organization_id, name)"
        " SELECT %(organization)s, 'g' || n FROM generate_series(1, 999) AS n",
        "INSERT INTO group_members SELECT %(group)s, id"
        " FROM (SELECT id FROM users ORDER BY id LIMIT %(members)s) AS u",
        # Every user is in two more groups, and one group in five has a budget.
        "INSERT INTO group_members SELECT g.id, u.id"
        " FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM users) AS u"
        " JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM groups"
        " WHERE name LIKE 'g%%') AS g ON g.n IN (1 + u.n %% 500, 501 + u.n %% 499)",
        # Half a percent of the users reach their limit, by overrides.
        "INSERT INTO group_ai_budgets"
        " SELECT id, 50000000 + abs(hashtext(name)) %% 100 * 1000000 FROM groups"
        " WHERE id = %(group)s OR hashtext(name) %% 5 = 0",
        "INSERT INTO user_ai_budget_overrides"
        " (user_id, group_id, organization_id, spend_limit_micros)"
        " SELECT user_id, group_id, %(organization)s, 7 FROM group_members"
        " WHERE group_id = %(group)s ORDER BY user_id LIMIT %(members)s / 20",
    ),
    "daily sums": (
        "INSERT INTO ai_spend_daily (user_id, group_id, organization_id, provider, model, day,"
        " cost_micros, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,"
        " cache_write_1h_tokens, usage_count, unpriced_usage_count)"
        " SELECT u.id, gm.group_id, %(organization)s, 'openai', 'gpt-1', d::date,"
        " abs(hashtext(u.id::text || d)) %% 2000000, 9, 9, 9, 0, 0, %(per_day)s, 0"
        " FROM (SELECT generate_series(%(start)s, %(start)s + interval '28 days', interval '1 day')"
        " UNION SELECT date_trunc('day', now(), 'UTC')) AS d (d)"
        " CROSS JOIN users AS u"
        " JOIN (SELECT DISTINCT ON (user_id) user_id, group_id FROM group_members"
        " ORDER BY user_id, group_id <> %(group)s, group_id) AS gm ON gm.user_id = u.id",
        "INSERT INTO ai_user_spend_monthly"
        " SELECT user_id, date_trunc('month', day)::date, sum(cost_micros)"
        " FROM ai_spend_daily GROUP BY 1, 2 ORDER BY random()",
        "INSERT INTO ai_group_spend_monthly"
        " SELECT group_id, date_trunc('month', day)::date, user_id, sum(cost_micros)"
        " FROM ai_spend_daily GROUP BY 1, 2, 3 ORDER BY random()",
    ),
    # Each member of the group has a call under way, and two whose holds have expired.
    "holds": (
        "INSERT INTO ai_reservation_holds"
        " (user_id, expires_at, reservation_id, amount_micros, group_id)"
        " SELECT gm.user_id, now() + until, gen_random_uuid(), 1, gm.group_id"
        " FROM group_members AS gm,"
        " unnest(ARRAY['1 hour', '-1 hour', '-2 hours']::interval []) AS until"
        " WHERE gm.group_id = %(group)s ORDER BY random()",
    ),
    "budgets": spend_overview.BUDGETS,
    "usages": (
        "SELECT ensure_ai_usage_month(%(start)s), ensure_ai_usage_month(now())",
        "INSERT INTO ai_usage (id, reason, source, source_id, user_id, group_id, organization_id,"
        " provider, model, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,"
        " cache_write_1h_tokens, cost_micros, priced, usage_count, unpriced_usage_count,"
        " occurred_at)"
        " SELECT row_number() OVER (), 'usage', 'bench', row_number() OVER (), d.user_id,"
        " d.group_id, d.organization_id, 'openai', 'gpt-' || n,"
        " 3, 3, 3, 0, 0, 250000, true, 1, 0, d.day + n * interval '5 hours'"
        " + (hashtext(d.user_id::text) & 1023) %% (%(quarters)s / 4) * interval '15 minutes'"
        " FROM ai_spend_daily AS d, generate_series(1, %(per_day)s) AS n",
        "INSERT INTO ai_usage_quarter_hourly (starts_at, organization_id, group_id, provider,"
        " model, cost_micros, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,"
        " cache_write_1h_tokens, usage_count, unpriced_usage_count)"
        " SELECT date_bin('15 minutes', occurred_at, timestamptz '2020-01-01Z'),"
        " organization_id, group_id, provider,"
        " model, sum(cost_micros), sum(input_tokens), sum(output_tokens), sum(cache_read_tokens),"
        " 0, 0, count(*), 0 FROM ai_usage GROUP BY 1, 2, 3, 4, 5",
        "VACUUM ANALYZE",
    ),
}


def generate(owner: psycopg.Connection[Any], parameters: dict[str, Any]) -> None:
    owner.execute("SET synchronous_commit = off")
    for name, statements in GENERATED.items():
        started = time.perf_counter()
        for statement in statements:
            owner.execute(statement.encode(), parameters)
        print(f"generated {name} in {time.perf_counter() - started:.0f} s")


def main() -> None:
    period = last_month()
    bounds = {"period_start": period.start, "period_end": period.end}
    with EmbeddedPostgres() as server, psycopg.connect(server.url, autocommit=True) as owner:
        migrate(owner, passwords={Login.ROUTES: PASSWORD})
        generate(
            owner,
            {
                "organization": ORGANIZATION,
                "group": GROUP,
                "users": USERS,
                "members": MEMBERS,
                "per_day": USAGES_PER_DAY,
                "quarters": QUARTERS,
            }
            | {"start": period.start},
        )
        roll_up(owner)
        members = [
            row[0]
            for row in owner.execute(
                "SELECT user_id FROM group_members WHERE group_id = %s LIMIT 100", (GROUP,)
            )
        ]
        parts = urlsplit(server.url)
        routes_url = parts._replace(
            netloc=f"{Login.ROUTES}:{PASSWORD}@{parts.netloc.rpartition('@')[2]}"
        ).geturl()
        database = Database(DatabaseSource(routes_url, None), "bench")
        group = {"organization_id": ORGANIZATION, "group_ids": [GROUP]} | bounds
        trip = median_ms(lambda: database.rows_of(call(Ping, "ping")), RUNS)
        print(f"\n{'query':46}{'ms':>8}{'trips':>8}")
        measured: tuple[tuple[str, type[Any], str, dict[str, Any]], ...] = (
            (f"a group of {MEMBERS:,} members", GroupTotals, "list_group_spend", group),
            (
                "100 members of it",
                MemberTotals,
                "list_member_spend",
                {"organization_id": ORGANIZATION, "group_id": GROUP, "user_ids": members} | bounds,
            ),
            ("a user", UserSpend, "get_user_spend", {"user_id": members[0]} | bounds),
            *series(ORGANIZATION, GROUP, members, period.start.date()),
            *periods(ORGANIZATION, GROUP, members, bounds),
            *spend_overview.measured(members[0], period),
            *spend_reports.measured(period.start, period.end, MEMBERS),
        )
        for label, model, query, parameters in measured:
            taken = median_ms(partial(database.rows_of, call(model, query, **parameters)), RUNS)
            print(f"{label:46}{taken:8.2f}{taken / trip:8.0f}")
        for label, _, query, parameters in measured:
            plan = owner.execute(EXPLAIN.encode() + queries()[query].sql, parameters)
            print(f"\n{label}\n" + "\n".join(row[0] for row in plan))
        database.close()


if __name__ == "__main__":
    main()
