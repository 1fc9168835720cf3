"""Measure the overview and the forecasts with 100,000 users, 1,000 groups and the sums of
12,000,000 usages in a month, and print their plans: `python -m bench.spend_overview`.

Spend differs from user to user as it does among people (log-normal), 1% is near a limit, and a year
of months lies before. The ledger is empty, because no query reads it. QUARTERS is in how many
quarters of an hour of a day each group has usage.
"""

import os
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg

from allowance.budgets.effective import Period
from allowance.contract.fields import Row
from allowance.database.database import Database
from allowance.database.queries import call, queries
from allowance.database.settings import DatabaseSource
from allowance.overview.forecast import since
from allowance.overview.forecast_models import AllowanceSoFar, BudgetSoFar, SpendSoFar
from allowance.overview.models import OverviewParts
from allowance.rbac.system import Login
from bench.rolled_days import last_month, roll_up
from bench.timing import median_ms
from local.postgres import EmbeddedPostgres
from migrations.migrate import migrate

USERS = int(os.environ.get("USERS", "100000"))
QUARTERS = int(os.environ.get("QUARTERS", "4"))
RUNS = 11
PASSWORD = os.urandom(16).hex()
ORGANIZATION, GROUP = UUID(int=1), UUID(int=2)
EXPLAIN = b"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) "

BUDGETS = (
    "INSERT INTO ai_budgets (organization_id, name, scope, per, models, limit_micros, period_unit,"
    " time_zone, week_starts, year_starts, enforcement, thresholds, rollover_micros)"
    " SELECT %(organization)s, 'b' || n, 'organization', 'total', '{*}', 1000000000, 'month',"
    " 'UTC', 1, 1, 'warn', '{}', 0 FROM generate_series(1, 5) AS n",
    "INSERT INTO ai_budget_counters (budget_id, subject, slice, period_start, spent_micros)"
    " SELECT id, '', 0, date_trunc('month', now(), 'UTC'), 5 FROM ai_budgets",
    "INSERT INTO audit_log (actor_name, action, resource_type, resource_id, organization_id,"
    " request_id) SELECT 'a', 'update', 'group', n::text, %(organization)s, ''"
    " FROM generate_series(1, 100000) AS n",
)
"""Budgets, and an audit log."""

GENERATED = (
    "INSERT INTO organizations (id, name, is_default) VALUES (%(organization)s, 'acme', true)",
    "INSERT INTO users (username) SELECT 'u' || n FROM generate_series(1, %(users)s) AS n",
    "INSERT INTO organization_members (organization_id, user_id)"
    " SELECT %(organization)s, id FROM users",
    "INSERT INTO groups (id, organization_id, name) VALUES (%(group)s, %(organization)s, 'large')",
    "INSERT INTO groups (organization_id, name)"
    " SELECT %(organization)s, 'g' || n FROM generate_series(1, 999) AS n",
    "INSERT INTO group_members SELECT %(group)s, id"
    " FROM (SELECT id FROM users ORDER BY id LIMIT %(users)s / 10) AS u",
    # Every user is in two more groups, and four groups in five have a budget.
    "INSERT INTO group_members SELECT g.id, u.id"
    " FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM users) AS u"
    " JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM groups"
    " WHERE name LIKE 'g%%') AS g ON g.n IN (1 + u.n %% 500, 501 + u.n %% 499)",
    "INSERT INTO group_ai_budgets SELECT id, 200000000 + abs(hashtext(name)) %% 100 * 1000000"
    " FROM groups WHERE id = %(group)s OR (name LIKE 'g%%' AND abs(hashtext(name)) %% 5 < 4)",
    "INSERT INTO user_ai_budget_overrides"
    " (user_id, group_id, organization_id, spend_limit_micros)"
    " SELECT user_id, group_id, %(organization)s, 500000000 FROM group_members"
    " WHERE group_id = %(group)s ORDER BY user_id LIMIT %(users)s / 200",
    "SELECT setseed(0.5)",
    "CREATE TABLE spent AS SELECT DISTINCT ON (user_id) user_id, group_id,"
    " round((2e7 * exp(sqrt(-2 * ln(1 - random())) * cos(6.2832 * random())))::numeric) AS micros"
    " FROM group_members ORDER BY user_id, group_id <> %(group)s, group_id",
    "INSERT INTO ai_spend_daily (user_id, group_id, organization_id, provider, model, day,"
    " cost_micros, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,"
    " cache_write_1h_tokens, usage_count, unpriced_usage_count)"
    " SELECT s.user_id, s.group_id, %(organization)s, 'openai', 'gpt-1',"
    " d::date, s.micros / 30, 9, 9, 9, 0, 0, 4, 0 FROM spent AS s,"
    " generate_series(%(start)s, %(start)s + interval '29 days', interval '1 day') AS d",
    "INSERT INTO ai_user_spend_monthly SELECT user_id, m::date, micros FROM spent,"
    " generate_series(%(start)s::timestamp - interval '11 months', %(start)s::timestamp,"
    " interval '1 month') AS m ORDER BY m, random()",
    "INSERT INTO ai_group_spend_monthly SELECT group_id, m::date, user_id, micros FROM spent,"
    " generate_series(%(start)s::timestamp - interval '11 months', %(start)s::timestamp,"
    " interval '1 month') AS m ORDER BY m, random()",
    # From midnight on, one after the other.
    "INSERT INTO ai_usage_quarter_hourly (starts_at, organization_id, group_id, provider, model,"
    " cost_micros, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,"
    " cache_write_1h_tokens, usage_count, unpriced_usage_count)"
    " SELECT %(start)s + d * interval '1 day' + n * interval '15 minutes',"
    " %(organization)s, g.id, 'openai', 'gpt-' || n %% 4, 1000000, 9, 9, 9, 0, 0, 100, 0"
    " FROM generate_series(0, 29) AS d, generate_series(1, %(quarters)s) AS n, groups AS g"
    " WHERE g.id <> %(organization)s",
    "INSERT INTO ai_reservation_holds"
    " (user_id, expires_at, reservation_id, amount_micros, group_id)"
    " SELECT gm.user_id, now() + until, gen_random_uuid(), 1, gm.group_id"
    " FROM group_members AS gm,"
    " unnest(ARRAY['1 hour', '-1 hour', '-2 hours']::interval []) AS until"
    " WHERE gm.group_id = %(group)s ORDER BY random()",
    *BUDGETS,
    "VACUUM ANALYZE",
)


def measured(user_id: UUID, period: Period) -> list[tuple[str, type[Row], str, dict[str, Any]]]:
    """What to measure: a label, the model of the rows, the query, and its parameters."""
    now = datetime.now(UTC)
    bounds = {"period_start": period.start, "period_end": period.end}
    whole: dict[str, Any] = {
        "organization_id": ORGANIZATION,
        "group_ids": None,
        "user_ids": None,
        "audited_ids": [ORGANIZATION],
        "reads_usage": True,
        "most_groups": 20,
        "most_budgets": 50,
        "most_members": 20,
        "most": 10,
    }
    own = whole | {"group_ids": [ORGANIZATION, GROUP], "user_ids": [user_id], "audited_ids": []}
    page = {"after_name": None, "limit": 20, "since": since(now)}
    days = bounds | {"since": period.start - timedelta(days=58)}
    group = {"organization_id": ORGANIZATION, "group_id": GROUP}
    return [
        ("overview of an admin", OverviewParts, "get_overview", whole | bounds),
        ("overview of a member", OverviewParts, "get_overview", own | bounds),
        ("forecasts of 5 budgets", BudgetSoFar, "list_budgets_so_far", whole | page),
        ("forecast of a user", AllowanceSoFar, "get_allowance_so_far", {"user_id": user_id} | days),
        ("forecast of a group", SpendSoFar, "get_group_so_far", group | days),
    ]


def main() -> None:
    period = last_month()
    given = {"organization": ORGANIZATION, "group": GROUP, "users": USERS, "quarters": QUARTERS}
    with EmbeddedPostgres() as server, psycopg.connect(server.url, autocommit=True) as owner:
        migrate(owner, passwords={Login.ROUTES: PASSWORD})
        owner.execute("SET synchronous_commit = off")
        for statement in GENERATED:
            owner.execute(statement.encode(), given | {"start": period.start})
        roll_up(owner)
        (row,) = owner.execute(
            "SELECT user_id FROM group_members WHERE group_id = %s LIMIT 1", (GROUP,)
        )
        parts = urlsplit(server.url)
        routes_url = parts._replace(
            netloc=f"{Login.ROUTES}:{PASSWORD}@{parts.netloc.rpartition('@')[2]}"
        ).geturl()
        database = Database(DatabaseSource(routes_url, None), "bench")
        print(f"{'query':30}{'ms':>8}")
        for label, model, query, parameters in measured(row[0], period):
            taken = median_ms(partial(database.rows_of, call(model, query, **parameters)), RUNS)
            print(f"{label:30}{taken:8.1f}")
        for label, _, query, parameters in measured(row[0], period):
            plan = owner.execute(EXPLAIN + queries()[query].sql, parameters)
            print(f"\n{label}\n" + "\n".join(line[0] for line in plan))
        database.close()


if __name__ == "__main__":
    main()
