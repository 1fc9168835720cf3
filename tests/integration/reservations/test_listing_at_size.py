"""A page of reservations reads about as many rows as it shows, however many others there are."""

from typing import Any
from uuid import UUID

import psycopg

from allowance.database.queries import queries
from tests.people import Acme
from tests.plans import blocks_read
from tests.postgres import Database

MANY = 6_000
PAGE = 20
FEW = 5

FILL = """
INSERT INTO ai_reservations (
    id, granted_at, key_digest, content_sha256, maker_id, user_id, group_id, organization_id,
    provider, model, estimate_micros, expires_at, closed_at, state, facts
)
SELECT gen_random_uuid(), now() - n * interval '1 second', gen_random_uuid(), sha256(''), %(maker)s,
    %(user)s, gen_random_uuid(), %(organization)s, 'p', 'm', 1, now() - n * interval '1 second'
    + %(ttl)s * interval '1 second', CASE WHEN %(state)s <> 'held' THEN now() END, %(state)s,
    jsonb_build_object('made', repeat('x', 500))
FROM generate_series(%(first)s::integer, %(first)s::integer + %(number)s::integer - 1) AS n
"""
"""Reservations that were granted one a second, the latest `first` seconds ago."""


def fill(database: Database, acme: Acme) -> None:
    """Many settled ones of acme and its gateway. The few others are older than all of these."""
    for days in (0, 1):
        database.run("SELECT ensure_ai_reservation_month(now() - %s * interval '1 day')", days)
    many = {
        "maker": acme.users["olivia"],
        "user": acme.users["otto"],
        "organization": acme.organizations["acme"],
    }
    few = {
        "maker": acme.users["nora"],
        "user": acme.users["maya"],
        "organization": acme.organizations["globex"],
    }
    with database.connect() as owner:
        owner.execute(FILL, many | {"state": "settled", "ttl": 9, "first": 1, "number": MANY})
        for place, (state, ttl) in enumerate(
            (("settled", 9), ("held", 10**6), ("held", 9), ("released", 9))
        ):
            first = MANY + 1 + FEW * place
            owner.execute(FILL, few | {"state": state, "ttl": ttl, "first": first, "number": FEW})
    database.run("VACUUM ANALYZE ai_reservations")


def read(database: Database, caller_id: UUID, asked: dict[str, Any]) -> tuple[int, int]:
    """The rows of a page, one more included, and the blocks that reading it takes."""
    parameters = {
        "caller_id": caller_id,
        "organization_ids": [],
        "named_user_id": None,
        "named_username": None,
        "reservation_state": None,
        "after_reservation": None,
        "after_granted_at": None,
        "limit": PAGE,
    } | asked
    with psycopg.connect(database.app_url) as session:
        rows = session.execute(queries()["list_reservations"].sql, parameters).fetchall()
        return len(rows), blocks_read(session, "list_reservations", **parameters)


def test_a_page_reads_what_it_shows_and_little_more(database: Database, acme: Acme) -> None:
    fill(database, acme)
    of_acme, of_globex = ([acme.organizations[each]] for each in ("acme", "globex"))
    ((middle_id, middle),) = database.rows(
        "SELECT id, granted_at FROM ai_reservations ORDER BY granted_at OFFSET %s LIMIT 1", MANY / 2
    )
    after = {"after_reservation": middle_id, "after_granted_at": middle}
    all_of_few = 4 * FEW
    cases: list[tuple[str, dict[str, Any], int]] = [
        ("olivia", {"organization_ids": None}, PAGE + 1),
        ("olivia", {"organization_ids": None} | after, PAGE + 1),
        ("olivia", {"organization_ids": None, "named_username": "maya"}, all_of_few),
        ("adam", {"organization_ids": of_acme}, PAGE + 1),
        ("adam", {"organization_ids": of_acme} | after, PAGE + 1),
        ("gus", {"organization_ids": of_globex}, all_of_few),
        ("gus", {"organization_ids": of_globex, "named_username": "maya"}, all_of_few),
        ("gus", {"organization_ids": of_globex} | after, all_of_few),
        ("nora", {}, all_of_few),
        ("maya", {}, all_of_few),
        ("otto", {}, PAGE + 1),
        ("ana", {}, 0),
        *(
            (caller, {"organization_ids": organizations, "reservation_state": state}, number)
            for caller, organizations, numbers in (
                ("olivia", None, (FEW, FEW, FEW, PAGE + 1)),
                ("adam", of_acme, (0, 0, 0, PAGE + 1)),
                ("gus", of_globex, (FEW, FEW, FEW, FEW)),
                ("nora", [], (FEW, FEW, FEW, FEW)),
            )
            for state, number in zip(
                ("held", "expired", "released", "settled"), numbers, strict=True
            )
        ),
    ]
    found = [read(database, acme.users[caller], asked) for caller, asked, _ in cases]
    assert [rows for rows, _ in found] == [number for *_, number in cases]
    # Some six blocks for each row, and those of the empty parts, of two months.
    assert [case for case, (_, blocks) in zip(cases, found, strict=True) if blocks > 200] == []
