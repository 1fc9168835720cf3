"""A budget that many share: exact at its limit, and not held up by one who stops."""

import random
import time
from functools import partial
from threading import Lock
from uuid import UUID

import pytest

from allowance.database.database import Database as Connection
from allowance.database.settings import DatabaseSource
from allowance.errors import DatabaseUnavailable
from allowance.rbac.system import Login
from allowance.reservations.facts import DecisionFacts
from tests.budget_counters import assert_counters_agree
from tests.decisions import call_of_decision
from tests.depth import by_depth
from tests.gateway import Client
from tests.organization_budgets import created
from tests.people import Acme
from tests.postgres import Database
from tests.reservations import PATH, of_cost, reserve
from tests.sessions import PATIENCE_SECONDS, at_once, be_patient

GRANTS = by_depth(200, 1_000, 10_000)
THREADS = by_depth(8, 16, 32)
USERS = ("maya", "otto", "ana", "adam")
LIMIT = 5 * GRANTS
"""Each grant is of 5 micros on average."""
HELD = "SELECT sum(amount_micros), count(*) FROM ai_budget_holds"


def connection_of(database: Database) -> Connection:
    connection = Connection(DatabaseSource(database.app_url), "deciding")
    database.at_end(connection.close)
    return connection


def decide(connection: Connection, user_id: UUID, micros: int, key: str) -> DecisionFacts:
    facts = connection.rows_of(call_of_decision(user_id, micros, key))[0].facts
    assert isinstance(facts, DecisionFacts)
    return facts


@pytest.mark.parametrize("is_split", [True, False])
def test_a_pool_is_granted_to_the_micro(database: Database, acme: Acme, is_split: bool) -> None:
    """No statement fails, nothing is refused while it fits, and nothing fits in the end."""
    created(acme.client("adam"), limit_micros=LIMIT, rollover_micros=0 if is_split else 1)
    be_patient(database)
    lock, refused = Lock(), [0]

    def take(number: int) -> int:
        chance = random.Random(number)  # noqa: S311
        connection = connection_of(database)
        user_id, most, granted = acme.users[USERS[number % len(USERS)]], 9, 0
        while most:
            facts = decide(connection, user_id, chance.randint(1, most), f"{number}-{granted}")
            if facts.outcome == "granted":
                granted += 1
                continue
            # What fits can be gone at the next attempt, but at the end nothing fits.
            most = min(most, facts.decision.would_fit_micros or 0)
            with lock:
                refused[0] += 1
        return granted

    granted = at_once(*(partial(take, each) for each in range(THREADS)))
    assert database.rows(HELD) == [(LIMIT, sum(granted))]
    assert refused[0] <= 10 * THREADS
    assert_counters_agree(database)


def test_others_go_on_beside_a_caller_that_stopped(
    gateway: Client, acme: Acme, database: Database
) -> None:
    """It keeps one part of the counter, and the room of that part."""
    created(acme.client("adam"), limit_micros=1600)
    reserve(gateway, of_cost(1))
    be_patient(database)
    database.run(f'ALTER ROLE {Login.ROUTES} IN DATABASE "{database.name}" SET lock_timeout = 1')
    frozen, others = connection_of(database), connection_of(database)
    with frozen.transaction():
        assert decide(frozen, acme.users["otto"], 1, "frozen").outcome == "granted"
        for number in range(30):
            assert decide(others, acme.users["maya"], 1, f"{number}").outcome == "granted"
    assert database.rows(HELD) == [(32, 32)]
    assert_counters_agree(database)


@pytest.mark.parametrize("is_split", [True, False])
def test_a_caller_that_stopped_blocks_a_budget_until_its_login_times_out(
    gateway: Client, acme: Acme, database: Database, is_split: bool
) -> None:
    created(acme.client("adam"), limit_micros=10, rollover_micros=0 if is_split else 1)
    be_patient(database)
    database.run(
        f'ALTER ROLE {Login.ROUTES} IN DATABASE "{database.name}"'
        " SET idle_in_transaction_session_timeout = '500ms'"
    )
    frozen = connection_of(database)
    with pytest.raises(DatabaseUnavailable), frozen.transaction():  # noqa: PT012
        decide(frozen, acme.users["otto"], 10, "frozen")
        started = time.monotonic()
        assert gateway.post(PATH, of_cost(10)).status == 201
        assert 0.2 < time.monotonic() - started < PATIENCE_SECONDS / 2
    assert database.rows(HELD) == [(10, 1)]
    assert_counters_agree(database)
