"""A caller that SIGSTOP freezes in mid-request, in a process of its own."""

import time

import pytest

from allowance.rbac.system import Login
from tests.budget_counters import assert_counters_agree
from tests.frozen import frozen
from tests.gateway import Client
from tests.organization_budgets import created
from tests.people import Acme
from tests.postgres import Database
from tests.reservations import PATH, assert_holds_agree, of_cost, reserve
from tests.sessions import PATIENCE_SECONDS, be_patient, wait_for_waiters

HELD = "SELECT sum(amount_micros)::int, count(*) FROM ai_budget_holds"


def limit_time(database: Database, **settings: str) -> None:
    """Give the sessions of the routes that begin from now on these time limits."""
    for name, value in settings.items():
        database.run(
            f'ALTER ROLE {Login.ROUTES} IN DATABASE "{database.name}" SET {name} = {value!r}'
        )


@pytest.mark.parametrize("is_split", [True, False])
def test_a_frozen_caller_blocks_a_budget_for_a_while_and_doubles_nothing(
    gateway: Client, acme: Acme, database: Database, is_split: bool
) -> None:
    """Others wait for a lock no longer than they may, as in production, and ask again."""
    be_patient(database)
    limit_time(database, idle_in_transaction_session_timeout="700ms", lock_timeout="50ms")
    created(acme.client("adam"), limit_micros=10, rollover_micros=0 if is_split else 1)
    # A first decision in a session takes long: the timeout could be over before it waits.
    reserve(gateway, of_cost(0, 2))
    with frozen(database.app_url, acme.users["otto"], 10, "frozen", in_transaction=True) as caller:
        assert caller.says() == "held"
        caller.stop()
        started = time.monotonic()
        statuses = [gateway.post(PATH, of_cost(10)).status]
        while statuses[-1] == 503 and time.monotonic() < started + PATIENCE_SECONDS:
            statuses.append(gateway.post(PATH, of_cost(10)).status)
        assert set(statuses[:-1]) == {503}
        assert statuses[-1] == 201
        caller.go_on()
        caller.tell("commit")
        assert (caller.says(), caller.says()) == ("lost", "refused")
    assert database.rows(HELD) == [(10, 2)]
    assert_counters_agree(database)
    assert_holds_agree(database)


def test_a_caller_that_is_frozen_before_its_response_gets_one_grant(
    gateway: Client, acme: Acme, database: Database
) -> None:
    """The server goes on without it, so others wait for nobody."""
    created(acme.client("adam"), limit_micros=10)
    reserve(gateway, of_cost(1))
    be_patient(database)
    with (
        database.connect() as owner,
        frozen(database.app_url, acme.users["otto"], 6, "frozen", in_transaction=False) as caller,
    ):
        owner.execute("BEGIN")
        owner.execute("SELECT FROM ai_budget_counters FOR UPDATE")
        wait_for_waiters(database)
        caller.stop()
        owner.execute("COMMIT")
        give_up = time.monotonic() + PATIENCE_SECONDS
        while database.rows(HELD) != [(7, 2)] and time.monotonic() < give_up:
            time.sleep(0.005)
        assert gateway.post(PATH, of_cost(4, 2)).status == 403
        assert gateway.post(PATH, of_cost(3, 3)).status == 201
        caller.go_on()
        assert caller.says() == "granted"
    assert database.rows(HELD) == [(10, 3)]
    assert_counters_agree(database)
    assert_holds_agree(database)
