"""Measure the reports of Coder's clients with 100,000 users and 12,000,000 usages in a month, and
print their plans: `python -m bench.spend_reports`.

It generates the same as bench.spend, in sums of random amounts.
"""

import os
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import psycopg

from allowance.access.session import Ping
from allowance.budgets.effective import period_containing
from allowance.database.database import Database
from allowance.database.queries import call, queries
from allowance.database.settings import DatabaseSource
from allowance.exports.reports import ListedDetail, ListedUser
from allowance.rbac.system import Login
from bench.spend import (
    EXPLAIN,
    GROUP,
    MEMBERS,
    ORGANIZATION,
    RUNS,
    USAGES_PER_DAY,
    USERS,
    generate,
)
from bench.timing import median_ms
from local.postgres import EmbeddedPostgres
from migrations.migrate import migrate

type Measured = tuple[str, type[Any], str, dict[str, Any]]
PASSWORD = os.urandom(16).hex()

VARIED = (
    "UPDATE ai_spend_daily SET cost_micros = 1 + abs(hashtext(user_id::text || day)) %% 1000000",
    "UPDATE ai_user_spend_monthly AS m SET cost_micros = s.cost_micros FROM ("
    "SELECT user_id, sum(cost_micros) AS cost_micros FROM ai_spend_daily GROUP BY user_id"
    ") AS s WHERE s.user_id = m.user_id",
    "VACUUM ANALYZE",
)


def measured(start: datetime, end: datetime) -> tuple[Measured, ...]:
    """What to measure, in a database that bench.spend has filled."""
    base = {
        "organization_id": ORGANIZATION,
        "provider_name": None,
        "model": None,
        "part_starts": [],
        "part_ends": [],
        "first_day": start.date(),
        "end_day": end.date(),
        "limit": 10,
        "offset": 0,
    }
    users = base | {"client": None}
    details = base | {"organization_name": "acme", "user_id": None, "group_id": None}
    week = {"end_day": (start + timedelta(days=7)).date()}
    return (
        ("users of the month", ListedUser, "list_report_users", users),
        ("users of a model", ListedUser, "list_report_users", users | {"model": "gpt-1"}),
        ("users of a week", ListedUser, "list_report_users", users | week),
        ("details of the month", ListedDetail, "list_spend_details", details),
        (
            f"details of a group of {MEMBERS:,}",
            ListedDetail,
            "list_spend_details",
            details | {"group_id": GROUP},
        ),
        ("details of a week", ListedDetail, "list_spend_details", details | week),
    )


def main() -> None:
    period = period_containing(datetime.now(UTC))
    with EmbeddedPostgres() as server, psycopg.connect(server.url, autocommit=True) as owner:
        migrate(owner, passwords={Login.ROUTES: PASSWORD})
        sizes = {"users": USERS, "members": MEMBERS, "per_day": USAGES_PER_DAY}
        generate(
            owner,
            {"organization": ORGANIZATION, "group": GROUP, "start": period.start, **sizes},
        )
        for each in VARIED:
            owner.execute(each.encode(), {})
        address = urlsplit(server.url)
        place = address.netloc.rpartition("@")[2]
        routes_url = address._replace(netloc=f"{Login.ROUTES}:{PASSWORD}@{place}").geturl()
        database = Database(DatabaseSource(routes_url, None), "bench")
        trip = median_ms(lambda: database.rows_of(call(Ping, "ping")), RUNS)
        print(f"\n{'query':46}{'ms':>8}{'trips':>8}")
        for label, model, query, parameters in measured(period.start, period.end):
            taken = median_ms(partial(database.rows_of, call(model, query, **parameters)), RUNS)
            print(f"{label:46}{taken:8.2f}{taken / trip:8.0f}")
        for label, _, query, parameters in measured(period.start, period.end):
            plan = owner.execute(EXPLAIN.encode() + queries()[query].sql, parameters)
            print(f"\n{label}\n" + "\n".join(row[0] for row in plan))
        database.close()


if __name__ == "__main__":
    main()
