"""Decisions that wait for others: each sees what it waited for, and waits for a limited time."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest

from allowance.database.database import Database as Connection
from allowance.database.queries import call
from allowance.database.settings import DatabaseSource
from allowance.errors import DatabaseUnavailable
from allowance.rbac.system import Login
from allowance.reservations.closing import ClosingStore, Released
from allowance.reservations.models import Settlement
from allowance.usage.reservation_ids import granted_at
from tests.decisions import call_of_decision
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.reservations import (
    ESTIMATE,
    PATH,
    assert_holds_agree,
    held,
    limit_everyone,
    of_cost,
    reserve,
    settle,
    used,
)
from tests.sessions import PATIENCE_SECONDS, be_patient, store_of, wait_for_waiters
from tests.usage import record, results

LOCK_AND_SUM = """
WITH locked AS MATERIALIZED (
    SELECT r.user_id FROM ai_user_reserved AS r WHERE r.user_id = %(user)s FOR NO KEY UPDATE
),
sums AS (
    SELECT l.user_id, coalesce(sum(h.amount_micros), 0) AS held
    FROM locked AS l LEFT JOIN ai_reservation_holds AS h ON h.user_id = l.user_id
    GROUP BY l.user_id
)
INSERT INTO ai_reservation_holds (user_id, expires_at, reservation_id, amount_micros, group_id)
SELECT s.user_id, now() + interval '1 hour', gen_random_uuid(), 1, s.user_id FROM sums AS s
WHERE s.held + 1 <= 1
"""
"""A decision in one statement, for a limit of 1: its sums are older than its lock."""


def connection_of(database: Database) -> Connection:
    connection = Connection(DatabaseSource(database.app_url), "other")
    database.at_end(connection.close)
    return connection


def while_waiting[T](database: Database, work: Callable[[], T], then: Callable[[], object]) -> T:
    """Start the work, do something once it waits for a lock, and return its result."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(work)
        wait_for_waiters(database)
        then()
        return running.result(PATIENCE_SECONDS)


def test_one_statement_that_locks_and_sums_would_overspend(database: Database, acme: Acme) -> None:
    """Why the function locks first, and sums in a later statement."""
    maya = acme.users["maya"]
    database.run("INSERT INTO ai_user_reserved (user_id) VALUES (%s)", maya)
    with database.connect() as first, database.connect() as second:

        def decide(session: psycopg.Connection[tuple[object, ...]]) -> int:
            return session.execute(LOCK_AND_SUM, {"user": maya}).rowcount

        first.execute("BEGIN")
        assert decide(first) == 1
        second_too = while_waiting(
            database, lambda: decide(second), lambda: first.execute("COMMIT")
        )
    assert second_too == 1
    assert held(database) == {maya: 2}


def test_the_second_of_two_decisions_counts_the_first(
    gateway: Client, acme: Acme, database: Database
) -> None:
    limit_everyone(database, acme, 1)
    be_patient(database)
    first = connection_of(database)
    with ThreadPoolExecutor(1) as pool:
        with first.transaction():
            (granted,) = first.rows_of(call_of_decision(acme.users["maya"], 1, "first"))
            waiting = pool.submit(lambda: gateway.post(PATH, of_cost(1)))
            wait_for_waiters(database)
        assert granted.facts.outcome == "granted"
        assert waiting.result(PATIENCE_SECONDS).status == 403
    assert held(database) == {acme.users["maya"]: 1}
    assert_holds_agree(database)


def test_usage_that_commits_during_a_decision_is_counted(
    gateway: Client, acme: Acme, database: Database
) -> None:
    """Otherwise the usage and the grant could pass the limit together."""
    results(gateway, record(occurred_at=datetime.now(UTC).isoformat()))
    limit_everyone(database, acme, ESTIMATE + 1)
    be_patient(database)
    with database.connect() as recorder:
        recorder.execute("BEGIN")
        recorder.execute("UPDATE ai_user_spend_monthly SET cost_micros = cost_micros + 1")
        refused = while_waiting(
            database,
            lambda: gateway.post(PATH, of_cost(1)),
            lambda: recorder.execute("COMMIT"),
        )
    assert refused.status == 403
    assert refused.json()["budget"]["spent_micros"] == ESTIMATE + 1


def test_usage_waits_for_a_decision_that_has_looked_at_it(
    gateway: Client, acme: Acme, database: Database
) -> None:
    limit_everyone(database, acme, 1)
    be_patient(database)
    decision = connection_of(database)
    with ThreadPoolExecutor(1) as pool:
        with decision.transaction():
            decision.rows_of(call_of_decision(acme.users["maya"], 1, "first"))
            now = datetime.now(UTC).isoformat()
            waiting = pool.submit(lambda: results(gateway, record(occurred_at=now)))
            wait_for_waiters(database)
        assert waiting.result(PATIENCE_SECONDS)[0]["status"] == "recorded"


def test_a_dry_run_counts_what_a_settlement_moves_once(
    gateway: Client, acme: Acme, database: Database
) -> None:
    """It reads holds and spend in one statement: a settlement moves an amount between them."""
    limit_everyone(database, acme, 5)
    results(gateway, record(occurred_at=datetime.now(UTC).isoformat(), tokens={}))
    reserve(gateway, of_cost(4))
    be_patient(database)
    with database.connect() as settling:
        settling.execute("BEGIN")
        settling.execute("LOCK TABLE ai_user_spend_monthly")

        def move() -> None:
            settling.execute("DELETE FROM ai_reservation_holds")
            settling.execute("UPDATE ai_user_spend_monthly SET cost_micros = 4")
            settling.execute("COMMIT")

        answer = while_waiting(
            database, lambda: gateway.post(PATH, of_cost(1, 2, dry_run=True)), move
        )
    assert answer.status == 200, answer.body
    budget = answer.json()["budget"]
    assert budget["spent_micros"] + budget["reserved_micros"] == 4


@pytest.mark.parametrize("final", [True, False])
def test_a_release_before_a_settlement_that_waits_for_it_wins(
    gateway: Client, acme: Acme, database: Database, final: bool
) -> None:
    id_ = reserve(gateway, of_cost(5))
    be_patient(database)
    releasing = connection_of(database)
    with ThreadPoolExecutor(1) as pool:
        with releasing.transaction():
            ids = {"reservation_id": UUID(id_), "granted_at": granted_at(UUID(id_))}
            (released,) = releasing.rows_of(call(Released, "release_ai_reservation", **ids))
            waiting = pool.submit(lambda: settle(gateway, id_, used(final=final)))
            wait_for_waiters(database)
        assert released.state == "released"
        assert waiting.result(PATIENCE_SECONDS).status == 409
    assert database.rows("SELECT FROM ai_usage") == []
    assert_holds_agree(database)


def test_the_same_settlement_at_once_is_booked_once(
    gateway: Client, acme: Acme, database: Database
) -> None:
    id_, token = UUID(reserve(gateway, of_cost(8_000))), acme.tokens["nora/test"]
    sent = Settlement.model_validate(used(final=False))
    be_patient(database)
    with (
        store_of(ClosingStore, database, token) as one,
        store_of(ClosingStore, database, token) as other,
        database.connect() as owner,
        ThreadPoolExecutor(2) as pool,
    ):
        owner.execute("BEGIN")
        owner.execute("SELECT FROM ai_user_reserved FOR UPDATE")
        both = [pool.submit(store.settle, id_, sent) for store in (one, other)]
        wait_for_waiters(database, 2)
        owner.execute("COMMIT")
        first, second = (each.result(PATIENCE_SECONDS) for each in both)
    assert first == second
    assert database.rows("SELECT cost_micros FROM ai_usage") == [(ESTIMATE,)]
    assert held(database) == {acme.users["maya"]: 8_000 - ESTIMATE}
    assert_holds_agree(database)


def test_the_same_key_at_once_gets_one_grant(
    gateway: Client, acme: Acme, database: Database
) -> None:
    be_patient(database)
    first, second = connection_of(database), connection_of(database)
    decision = call_of_decision(acme.users["maya"], 1, "same")
    with ThreadPoolExecutor(1) as pool:
        with first.transaction():
            (granted,) = first.rows_of(decision)
            waiting = pool.submit(lambda: second.rows_of(decision))
            wait_for_waiters(database)
        (again,) = waiting.result(PATIENCE_SECONDS)
    assert again == granted
    assert held(database) == {acme.users["maya"]: 1}


def test_a_frozen_caller_blocks_others_until_its_login_times_out(
    gateway: Client, acme: Acme, database: Database
) -> None:
    """A process that stops within a transaction keeps its locks. Postgres ends its session."""
    be_patient(database)
    database.run(
        f'ALTER ROLE {Login.ROUTES} IN DATABASE "{database.name}"'
        " SET idle_in_transaction_session_timeout = '500ms'"
    )
    limit_everyone(database, acme, 1)
    frozen = connection_of(database)
    with pytest.raises(DatabaseUnavailable), frozen.transaction():  # noqa: PT012
        frozen.rows_of(call_of_decision(acme.users["maya"], 1, "frozen"))
        started = time.monotonic()
        assert gateway.post(PATH, of_cost(1)).status == 201
        assert time.monotonic() - started > 0.2, "it waited for the frozen one"
    assert held(database) == {acme.users["maya"]: 1}
    assert_holds_agree(database)
