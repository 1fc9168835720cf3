"""What the spend routes cost at 100,000 users and the daily sums of 10,000,000 usages in one month: `make bench-spend`.

The worst case: everybody works on every day of the month, and the spend of a group's 10,000 members is all for it.
"""

import os
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg

from allowance.budget import period_containing
from allowance.database import Database, queries
from allowance.models import Health
from allowance.settings import DatabaseSource
from allowance.spend import GroupTotals, MemberTotals, UserSpend
from local.postgres import EmbeddedPostgres
from migrations.migrate import migrate

USERS = int(os.environ.get("USERS", "100000"))
MEMBERS = USERS // 10
USAGES = USERS * 100
RUNS = 15
PASSWORD = os.urandom(16).hex()
ORGANIZATION, GROUP = UUID(int=1), UUID(int=2)
EXPLAIN = "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) "

GENERATED = {
    "people": (
        "INSERT INTO organizations (id, name, is_default) VALUES (%(organization)s, 'acme', true)",
        "INSERT INTO users (username) SELECT 'u' || n FROM generate_series(1, %(users)s) AS n",
        "INSERT INTO organization_members (organization_id, user_id) SELECT %(organization)s, id FROM users",
        "INSERT INTO groups (id, organization_id, name) VALUES (%(group)s, %(organization)s, 'large')",
        "INSERT INTO groups (organization_id, name)"
        " SELECT %(organization)s, 'g' || n FROM generate_series(1, 500) AS n",
        "INSERT INTO group_members SELECT %(group)s, id FROM (SELECT id FROM users ORDER BY id LIMIT %(members)s) AS u",
        # Everybody is in two more groups, and one group of five has a budget.
        "INSERT INTO group_members SELECT g.id, u.id"
        " FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM users) AS u"
        " JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM groups WHERE name LIKE 'g%%') AS g"
        " ON g.n IN (1 + u.n %% 250, 251 + u.n %% 249)",
        "INSERT INTO group_ai_budgets SELECT id, 1 + hashtext(name) %% 100 + 100 FROM groups"
        " WHERE id = %(group)s OR hashtext(name) %% 5 = 0",
        "INSERT INTO user_ai_budget_overrides (user_id, group_id, organization_id, spend_limit_micros)"
        " SELECT user_id, group_id, %(organization)s, 7 FROM group_members WHERE group_id = %(group)s"
        " ORDER BY user_id LIMIT %(members)s / 20",
    ),
    "daily sums": (
        "INSERT INTO ai_spend_daily SELECT u.id, gm.group_id, d::date, 1000000, 9, 9, 9, 0, 0,"
        " %(usages)s / %(users)s / 30, 0, %(organization)s"
        " FROM generate_series(%(start)s, %(start)s + interval '29 days', interval '1 day') AS d"
        " CROSS JOIN users AS u JOIN (SELECT DISTINCT ON (user_id) user_id, group_id FROM group_members"
        " ORDER BY user_id, group_id <> %(group)s, group_id) AS gm ON gm.user_id = u.id",
        "INSERT INTO ai_user_spend_monthly SELECT user_id, date_trunc('month', day)::date, sum(cost_micros)"
        " FROM ai_spend_daily GROUP BY 1, 2 ORDER BY random()",
        "INSERT INTO ai_group_spend_monthly SELECT group_id, date_trunc('month', day)::date, user_id, sum(cost_micros)"
        " FROM ai_spend_daily GROUP BY 1, 2, 3 ORDER BY random()",
        "VACUUM ANALYZE",
    ),
}


def median_ms(work: Callable[[], Any]) -> float:
    work()
    times: list[float] = []
    for _ in range(RUNS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


def generate(owner: psycopg.Connection[Any], parameters: dict[str, Any]) -> None:
    owner.execute("SET synchronous_commit = off")
    for name, statements in GENERATED.items():
        started = time.perf_counter()
        for statement in statements:
            owner.execute(statement.encode(), parameters)
        print(f"generated {name} in {time.perf_counter() - started:.0f} s")


def main() -> None:
    period = period_containing(datetime.now(UTC))
    bounds = {"period_start": period.start, "period_end": period.end}
    with EmbeddedPostgres() as server, psycopg.connect(server.url, autocommit=True) as owner:
        migrate(owner, application_password=PASSWORD)
        generate(
            owner,
            {"organization": ORGANIZATION, "group": GROUP, "users": USERS, "members": MEMBERS, "usages": USAGES}
            | {"start": period.start},
        )
        members = [
            row[0] for row in owner.execute("SELECT user_id FROM group_members WHERE group_id = %s LIMIT 100", (GROUP,))
        ]
        parts = urlsplit(server.url)
        app_url = parts._replace(netloc=f"allowance_app:{PASSWORD}@{parts.netloc.rpartition('@')[2]}").geturl()
        database = Database(DatabaseSource(app_url, None), "bench")
        group = {"organization_id": ORGANIZATION, "group_ids": [GROUP]} | bounds
        trip = median_ms(lambda: database.one(Health, "ping"))
        print(f"\n{'query':46}{'ms':>8}{'trips':>8}")
        for label, query, parameters in (
            (f"a group of {MEMBERS:,} members", "list_group_spend", group),
            ("100 members of it", "list_member_spend", {"group_id": GROUP, "user_ids": members} | bounds),
            ("a user", "get_user_spend", {"user_id": members[0]} | bounds),
        ):
            model = {"list_group_spend": GroupTotals, "list_member_spend": MemberTotals}.get(query, UserSpend)
            taken = median_ms(lambda: database.many(model, query, **parameters))  # noqa: B023
            print(f"{label:46}{taken:8.2f}{taken / trip:8.0f}")
        plan = owner.execute(EXPLAIN.encode() + queries()["list_group_spend"], group)
        print("\n" + "\n".join(row[0] for row in plan))
        database.close()


if __name__ == "__main__":
    main()
