"""Which part of a split counter grants an amount or takes usage, by itself. If none does, the
caller locks all parts.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.budget_counters import assert_counters_agree
from tests.gateway import Client
from tests.organization_budgets import BUDGETS, body, created
from tests.people import Acme
from tests.postgres import Database
from tests.reservations import ESTIMATE, of_cost, reserve, used
from tests.usage import results

STARTS = "date_trunc('month', now(), 'UTC')"
HOLD = (
    f"SELECT h.holds FROM ai_budgets AS b, hold_ai_budget(b, '', {STARTS}, 5,"
    " now() + interval '1 minute', gen_random_uuid(), %s) AS h"
)
CHANGE = (
    f"SELECT change_ai_budget(b, '', ARRAY[{STARTS}], '{{8}}', (SELECT jsonb_agg(to_jsonb(h) ||"
    " jsonb_build_object('used', NULL, 'until', h.expires_at)) FROM ai_budget_holds AS h), false)"
    " FROM ai_budgets AS b"
)
PARTS = (
    "SELECT slice, period_start, spent_micros, reserved_micros, room_micros, room_revision"
    " FROM ai_budget_counters ORDER BY slice"
)
EARLIER = "period_start = period_start - interval '1 month'"
CASES: dict[str, list[tuple[str, int, bool]]] = {
    # What the parts know, the room that each of them has, and whether 5 fit.
    "enforce": [
        ("room_revision = 1", 5, True),
        ("room_revision = 1", 4, False),
        ("room_revision = 0", 5, False),
        # The limit was changed after the caller read the budget.
        ("room_revision = 2", 5, False),
        (f"{EARLIER}, room_revision = 1", 5, False),
    ],
    "warn": [
        ("room_revision = 0", 4, True),
        (f"{EARLIER}, room_revision = 0", 5, False),
        # It was enforced after the caller read it.
        ("room_revision = 1", 4, False),
        ("room_revision = 2", 4, False),
    ],
}
Row = tuple[Any, ...]


def changed_parts(
    database: Database, enforcement: str, query: str, *parameters: object
) -> Iterator[tuple[list[Row], int, bool]]:
    """What a query returns and changes in each case, with the room and whether 5 fit."""
    with database.connect() as owner:
        for knows, room, fits in CASES[enforcement]:
            owner.execute("BEGIN")
            owner.execute(f"UPDATE ai_budget_counters SET room_micros = {room}, {knows}".encode())
            before = owner.execute(PARTS).fetchall()
            answer = owner.execute(query.encode(), parameters).fetchall()
            after = owner.execute(PARTS).fetchall()
            owner.execute("ROLLBACK")
            assert answer == [(fits,)], knows
            yield [each for each in after if each not in before], room, fits


@pytest.fixture
def adam(acme: Acme) -> Client:
    return acme.client("adam")


@pytest.mark.parametrize("enforcement", CASES)
def test_a_part_grants_under_the_limit_and_in_the_period_that_it_knows(
    gateway: Client, adam: Client, database: Database, enforcement: str
) -> None:
    """It has the amount reserved then, and no room for it any more."""
    created(adam, limit_micros=10**6, enforcement=enforcement)
    reserve(gateway, of_cost(0))
    for mode in (0, 1):
        for after, room, fits in changed_parts(database, enforcement, HOLD, mode):
            assert [each[3:5] for each in after] == ([(5, room - 5)] if fits else [])


@pytest.mark.parametrize("enforcement", CASES)
def test_the_part_of_a_hold_takes_usage_in_the_same_way(
    gateway: Client, adam: Client, database: Database, enforcement: str
) -> None:
    """Usage of 8 ends a hold of 3, so its part has to have room for 5."""
    created(adam, limit_micros=10**6, enforcement=enforcement)
    reserve(gateway, of_cost(3))
    for after, room, fits in changed_parts(database, enforcement, CHANGE):
        assert [each[2:5] for each in after] == ([(8, 0, room - 5)] if fits else [])


def test_usage_that_ends_two_holds_locks_all_parts(
    gateway: Client, adam: Client, database: Database
) -> None:
    """They may lie in two parts, and each part has to get back its own."""
    created(adam, limit_micros=10**6)
    for number in (1, 2):
        reserve(gateway, of_cost(3, number))
    before = database.rows(PARTS)
    assert database.rows(CHANGE) == [(False,)]
    assert database.rows(PARTS) == before


def test_parts_share_what_is_left_of_a_limit_that_is_enforced(
    gateway: Client, adam: Client, database: Database
) -> None:
    terms: list[dict[str, Any]] = [{"per": "member"}, {}, {"enforcement": "warn"}]
    for number, each in enumerate(terms):
        created(adam, str(number), limit_micros=160, **each)
    reserve(gateway, of_cost(16))
    rooms = (
        "SELECT b.name, count(*), sum(room_micros)::int, min(room_revision)::int"
        " FROM ai_budget_counters AS c JOIN ai_budgets AS b ON b.id = c.budget_id"
        " GROUP BY b.name ORDER BY 1"
    )
    assert database.rows(rooms) == [("0", 1, 0, 0), ("1", 16, 144, 1), ("2", 16, 0, 0)]
    assert adam.put(f"{BUDGETS}/1", body("1", limit_micros=320)).status == 200
    reserve(gateway, of_cost(16, 2))
    assert database.rows(rooms)[1] == ("1", 16, 288, 2)
    # The first to touch a counter may be usage.
    for name, enforcement in (("3", "enforce"), ("4", "warn")):
        created(adam, name, limit_micros=10**6, enforcement=enforcement)
    assert results(gateway, used())[0]["status"] == "recorded"
    assert database.rows(rooms)[3:] == [("3", 16, 10**6 - ESTIMATE, 1), ("4", 16, -ESTIMATE, 0)]
    assert_counters_agree(database)


def test_usage_counts_in_a_part_that_nobody_keeps_locked(
    gateway: Client, adam: Client, database: Database
) -> None:
    created(adam, limit_micros=10**6)
    reserve(gateway, of_cost(0))
    with database.connect() as owner:
        owner.execute("BEGIN")
        owner.execute("SELECT FROM ai_budget_counters WHERE slice <> 7 FOR UPDATE")
        for number in range(3):
            assert results(gateway, used(number))[0]["status"] == "recorded"
        owner.execute("ROLLBACK")
    spent = "SELECT slice::int, spent_micros::int FROM ai_budget_counters WHERE spent_micros > 0"
    assert database.rows(spent) == [(7, 3 * ESTIMATE)]
