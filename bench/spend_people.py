"""Measure the lists of organizations and people with 100,000 users and 1,000 groups, and print
their plans: `python -m bench.spend_people`.

An organization has every user, a second one has a tenth of them, who come last by name: the worst
case for a list by name. Each user is in two groups and has spend. USERS= changes the number.
"""

import os
import time
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

import psycopg

from allowance.access.caller import Caller, Named
from allowance.access.names import Names
from allowance.access.session import Ping
from allowance.budgets.effective import period_containing
from allowance.contract.query import pattern_of
from allowance.database.database import Database
from allowance.database.queries import Call, call, queries
from allowance.database.settings import DatabaseSource
from allowance.directory.models import Member, Organization, User
from allowance.rbac.system import Login
from bench.timing import median_ms
from local.postgres import EmbeddedPostgres
from migrations.migrate import migrate

USERS = int(os.environ.get("USERS", "100000"))
GROUPS = 1000
RUNS = 15
PAGE, LARGEST_PAGE = 100, 200
PASSWORD = os.urandom(16).hex()
ACME, TAIL, LARGE = UUID(int=1), UUID(int=3), UUID(int=2)
EXPLAIN = "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) "

GENERATED = (
    "INSERT INTO organizations (id, name, is_default)"
    " VALUES (%(acme)s, 'acme', true), (%(tail)s, 'tail', false)",
    "INSERT INTO users (username, user_name, email, display_name)"
    " SELECT 'u' || lpad(n::text, 6, '0'), 'User.' || n || '@acme.example',"
    " 'user' || n || '@acme.example', 'First' || n %% 1000 || ' Last' || n %% 3777"
    " FROM generate_series(1, %(users)s) AS n",
    "INSERT INTO organization_members (organization_id, user_id) SELECT %(acme)s, id FROM users",
    "INSERT INTO organization_members (organization_id, user_id)"
    " SELECT %(tail)s, id FROM users ORDER BY username DESC LIMIT %(users)s / 10",
    "INSERT INTO groups (id, organization_id, name) VALUES (%(large)s, %(acme)s, 'large')",
    "INSERT INTO groups (organization_id, name)"
    " SELECT %(acme)s, 'g' || n FROM generate_series(1, %(groups)s) AS n",
    "INSERT INTO group_members (group_id, user_id) SELECT %(large)s, id"
    " FROM (SELECT id FROM users ORDER BY username DESC LIMIT %(users)s / 10) AS u",
    "INSERT INTO group_members (group_id, user_id) SELECT g.id, u.id"
    " FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM users) AS u"
    " JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM groups"
    " WHERE name LIKE 'g%%') AS g ON g.n IN (1 + u.n %% 500, 501 + u.n %% 499)",
    "INSERT INTO group_ai_budgets SELECT id, 1 + hashtext(name) %% 100 + 100 FROM groups"
    " WHERE id = %(large)s OR hashtext(name) %% 5 = 0",
    "INSERT INTO ai_user_spend_monthly SELECT id, %(month)s, 1000000 FROM users ORDER BY random()",
    "INSERT INTO api_tokens (id, user_id, name, secret_sha256)"
    " SELECT username, id, 't', sha256('s') FROM users",
    "VACUUM ANALYZE",
)


class Measured(NamedTuple):
    """A query of the bench, with a name for its line."""

    label: str
    call: Call[Any]


def measured(month: datetime) -> list[Measured]:
    """Return the queries of the routes, each with parameters of the worst cases."""
    page: dict[str, Any] = {
        "pattern": None,
        "after_username": None,
        "limit": PAGE,
        "period_start": month,
        "user_ids": None,
    }
    late = {"after_username": f"u{USERS - PAGE:06}"}
    acme: dict[str, Any] = {"organization_id": ACME, "group_id": None}
    tail = acme | {"organization_id": TAIL}
    large = acme | {"group_id": LARGE}
    everybody: dict[str, Any] = {"organization_ids": None}

    def searched(text: str) -> dict[str, Any]:
        return {"pattern": pattern_of(text)}

    def users(label: str, **more: Any) -> Measured:
        return Measured(f"users: {label}", call(User, "list_users", **page | everybody | more))

    def members(label: str, of: dict[str, Any], **more: Any) -> Measured:
        query = "list_group_members" if of["group_id"] else "list_organization_members"
        return Measured(f"members of {label}", call(Member, query, **page | of | more))

    named = Names(
        group="g7", organization="default", user="User.77@acme.example", users=["u000077"]
    )
    credential = {"token_id": "u000077", "secret_sha256": sha256(b"s").digest(), "blind": b""}
    return [
        Measured("the caller", call(Caller, "authenticate", **credential | Names().with_caller)),
        Measured("names in a path", call(Named, "find_named", **named.others or {})),
        users("first page"),
        users("last page", **late),
        users(f"{LARGEST_PAGE} of them", limit=LARGEST_PAGE),
        users("search, one found", **searched(f"user{USERS - 1}@")),
        users("search, many found", **searched("last37")),
        users("search, none found", **searched("nobody")),
        users("search of two characters, none found", **searched("zq")),
        members("all users: first page", acme),
        members("all users: last page", acme, **late),
        members("all users: search, none found", acme, **searched("nobody")),
        members("all users: two characters, none found", acme, **searched("zq")),
        members("a tenth, the last by name", tail),
        members("a tenth: two characters, none found", tail, **searched("zq")),
        members("a group of a tenth, the last by name", large),
        members("that group: search, many found", large, **searched("last37")),
        members("that group: two characters, none found", large, **searched("zq")),
        Measured(
            "organizations",
            call(Organization, "list_organizations", everywhere=None, after_name=None, limit=1000),
        ),
    ]


def main() -> None:
    month = period_containing(datetime.now(UTC)).start
    with EmbeddedPostgres() as server, psycopg.connect(server.url, autocommit=True) as owner:
        migrate(owner, passwords={Login.ROUTES: PASSWORD})
        owner.execute("SET synchronous_commit = off")
        started = time.perf_counter()
        for statement in GENERATED:
            owner.execute(
                statement.encode(),
                {
                    "acme": ACME,
                    "tail": TAIL,
                    "large": LARGE,
                    "users": USERS,
                    "groups": GROUPS,
                    "month": month,
                },
            )
        print(f"generated in {time.perf_counter() - started:.0f} s")
        parts = urlsplit(server.url)
        address = f"{Login.ROUTES}:{PASSWORD}@{parts.netloc.rpartition('@')[2]}"
        database = Database(DatabaseSource(parts._replace(netloc=address).geturl(), None), "bench")
        trip = median_ms(lambda: database.rows_of(call(Ping, "ping")), RUNS)
        print(f"\n{'query':52}{'ms':>8}{'trips':>8}{'rows':>6}")
        for label, each in measured(month):
            rows = len(database.rows_of(each))
            taken = median_ms(partial(database.rows_of, each), RUNS)
            print(f"{label:52}{taken:8.2f}{taken / trip:8.0f}{rows:6}")
        for label, each in measured(month):
            plan = owner.execute(EXPLAIN.encode() + queries()[each.query].sql, each.parameters)
            print(f"\n{label}\n" + "\n".join(row[0] for row in plan))
        database.close()


if __name__ == "__main__":
    main()
