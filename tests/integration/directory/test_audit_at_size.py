"""A page of the audit log holds the right entries, and costs what a page costs, by any filter."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

import psycopg
import pytest

from allowance.audit.models import AuditQuery
from allowance.database.queries import queries
from tests.gateway import MAX_RESPONSE_BYTES
from tests.people import Acme
from tests.plans import blocks_read
from tests.postgres import Database

ENTRIES = 30_000
PAGE = 10
FEW, MANY, NOBODY = UUID(int=1), UUID(int=2), UUID(int=3)
ACME, GLOBEX, EMPTY = UUID(int=11), UUID(int=12), UUID(int=13)
GROUP = UUID(int=21)

# The rare actor, user, group and organization are in the oldest entries only, which a scan from the
# newest entry meets last.
FILL = """
INSERT INTO audit_log (
    actor_id, actor_name, action, resource_type, resource_id, organization_id, group_id, user_id,
    request_id, created_at
)
SELECT
    CASE WHEN n <= 3 THEN %(few)s WHEN n %% 7 = 0 THEN NULL ELSE %(many)s END,
    CASE WHEN n <= 5 THEN 'rare-job' ELSE 'job' END,
    CASE WHEN n <= 4 THEN 'delete' ELSE 'update' END,
    CASE WHEN n <= 6 THEN 'organization' WHEN n %% 3 = 0 THEN 'group' ELSE 'user' END, n,
    CASE WHEN n <= 20 THEN %(globex)s WHEN n %% 9 = 0 THEN NULL ELSE %(acme)s END,
    CASE WHEN n <= 8 THEN %(group)s WHEN n %% 2 = 0 THEN %(acme)s END,
    CASE WHEN n <= 3 THEN %(few)s WHEN n %% 5 = 0 THEN %(many)s END, 'r',
    -- Some entries have a later id and an earlier time.
    '2026-01-01'::timestamptz + (n - n %% 4 * 2) * interval '10 minutes'
FROM generate_series(1, %(entries)s) AS n
"""
NAMES = {"few": FEW, "many": MANY, "acme": ACME, "globex": GLOBEX, "group": GROUP}

NAIVE = """
SELECT a.id FROM audit_log AS a
WHERE (%(organization_ids)s::uuid[] IS NULL OR a.organization_id = ANY(%(organization_ids)s))
    AND (%(group_id)s::uuid IS NULL OR a.group_id = %(group_id)s)
    AND (%(username)s::text IS NULL
        OR a.actor_id = coalesce(%(user_id)s, (SELECT id FROM users WHERE username = %(username)s))
        OR (a.actor_id IS NULL AND a.actor_name = %(username)s)
        OR a.user_id = coalesce(%(user_id)s, (SELECT id FROM users WHERE username = %(username)s)))
    AND (%(after)s::bigint IS NULL OR a.id < %(after)s)
    AND (NOT %(by_kind)s
        OR (a.resource_type = ANY(%(resource_types)s) AND a.action = ANY(%(actions)s)))
    AND (%(since)s::timestamptz IS NULL OR a.created_at >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR a.created_at < %(until)s)
ORDER BY a.id DESC LIMIT %(limit)s + 1
"""


def of_user(user_id: UUID) -> dict[str, Any]:
    return {"user_id": user_id, "username": str(user_id)}


READERS: tuple[list[UUID] | None, ...] = (
    None,
    [ACME],
    [GLOBEX],
    [EMPTY],
    [ACME, GLOBEX, EMPTY],
)
USERS: tuple[dict[str, Any], ...] = (
    {"user_id": None, "username": None},
    *map(of_user, (FEW, MANY, NOBODY)),
    *({"user_id": None, "username": name} for name in ("job", "rare-job", "few", "nobody")),
)
GROUPS = (None, GROUP, ACME, NOBODY)
QUERIES = (
    AuditQuery(),
    AuditQuery(),
    AuditQuery(resource_type="organization"),
    AuditQuery(action="delete"),
    AuditQuery(resource_type="group", action="update"),
    AuditQuery(resource_type="organization", action="create"),
)
START = datetime(2026, 1, 1, tzinfo=UTC)


def of_kind(query: AuditQuery) -> dict[str, Any]:
    return {
        "by_kind": query != AuditQuery(),
        "actions": query.actions,
        "resource_types": query.resource_types,
    }


def times(*minutes: int | None) -> dict[str, Any]:
    since, until = (None if each is None else START + timedelta(minutes=each) for each in minutes)
    return {"since": since, "until": until}


EVER = times(None, None)
TIMES = (times(100, None), times(30, 130), times(None, 95), EVER, EVER, times(-9, 5000))


def filters() -> Iterator[dict[str, Any]]:
    """Each filter alone and with each other, for each reader."""
    for organization_ids, group_id, user in product(READERS, GROUPS, USERS):
        asked = {"organization_ids": organization_ids, "group_id": group_id, **user}
        yield asked | of_kind(AuditQuery()) | EVER
        if group_id in (None, GROUP) and user["user_id"] != MANY:
            for kind, at in zip(QUERIES, TIMES, strict=True):
                yield asked | of_kind(kind) | at


def bounded(app: psycopg.Connection[Any], asked: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a page, with the ids of its times as the store finds them."""
    found = app.execute(queries()["find_audit_times"].sql, asked).fetchone()
    assert found is not None
    above, below = found
    after = min((each for each in (asked["after"], below) if each is not None), default=None)
    return asked | {"above": above, "after": after}


def fill(database: Database, entries: int) -> None:
    with database.connect() as owner:
        owner.execute("TRUNCATE audit_log RESTART IDENTITY")
        owner.execute("INSERT INTO users (id, username) VALUES (%s, 'few')", [FEW])
        owner.execute(FILL.encode(), NAMES | {"entries": entries})
        owner.execute("VACUUM ANALYZE audit_log")


@pytest.mark.thorough
@pytest.mark.parametrize("after", [None, 12])
def test_a_page_holds_the_newest_entries_of_its_filters(
    database: Database, after: int | None
) -> None:
    fill(database, 60)
    seen: set[int] = set()
    with psycopg.connect(database.app_url) as app:
        for each in filters():
            asked = each | {"after": after, "limit": PAGE}
            page = app.execute(queries()["list_audit"].sql, bounded(app, asked)).fetchall()
            assert [row[0] for row in page] == [
                row[0] for row in app.execute(NAIVE.encode(), asked).fetchall()
            ], asked
            seen.add(len(page))
    assert {0, 3, PAGE + 1} <= seen | {PAGE + 1 if after else 0}


def test_a_page_reads_no_more_than_its_entries(database: Database) -> None:
    fill(database, ENTRIES)
    with psycopg.connect(database.app_url) as app:
        for each in filters():
            asked = bounded(app, each | {"after": None, "limit": PAGE})
            cost = blocks_read(app, "list_audit", **asked)
            cost += blocks_read(app, "find_audit_times", **each)
            # An entry costs two blocks by an index, and four more for the page. To find that there
            # is none of a kind costs two or three.
            places = len(each["actions"]) * len(each["resource_types"]) * each["by_kind"]
            places *= len(each["organization_ids"] or [None])
            assert cost < 12 * PAGE + 100 + 9 * places, each


def test_a_page_of_large_entries_ends_before_a_lambda_response(
    database: Database, acme: Acme
) -> None:
    """A deleted group's entry lists its members."""
    with database.connect() as owner:
        owner.execute("TRUNCATE audit_log RESTART IDENTITY")
        owner.execute(
            "INSERT INTO audit_log (actor_name, action, resource_type, resource_id, before,"
            " request_id) SELECT 'job', 'delete', 'group', n, jsonb_build_object('members',"
            " array_fill(gen_random_uuid(), ARRAY[4000])), 'r' FROM generate_series(1, 100) AS n"
        )
    seen: list[int] = []
    after = ""
    while after is not None:
        answer = acme.client("olivia").get(
            "/api/v2/audit?limit=1000" + (f"&after={after}" if after else "")
        )
        assert answer.lambda_bytes < MAX_RESPONSE_BYTES
        seen += [each["id"] for each in answer.json()["entries"]]
        after = answer.json()["next"]
    assert seen == [*range(100, 0, -1)]
