"""Decisions that wait while an admin changes a budget, and figures of what comes next."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from allowance.contract.fields import rfc3339
from allowance.database.database import Database as Connection
from allowance.database.settings import DatabaseSource
from allowance.reservations.facts import DecisionFacts
from tests.budget_counters import assert_counters_agree
from tests.decisions import call_of_decision
from tests.gateway import Client
from tests.organization_budgets import BUDGETS, body, created
from tests.people import Acme
from tests.postgres import Database
from tests.reservations import PATH, of_cost, reserve
from tests.sessions import PATIENCE_SECONDS, be_patient, wait_for_waiters
from tests.usage import expire, record, results

COUNTERS = "SELECT FROM ai_budget_counters ORDER BY budget_id, subject, slice FOR UPDATE"
SHARE = "SELECT share_ai_budget(b, '', 0) FROM ai_budgets AS b"


@pytest.fixture
def olivia(acme: Acme) -> Client:
    return acme.client("olivia")


def own_connection(database: Database) -> Connection:
    connection = Connection(DatabaseSource(database.app_url), "deciding")
    database.at_end(connection.close)
    return connection


def while_locked(
    database: Database,
    acme: Acme,
    micros: int,
    *then: Callable[[psycopg.Connection[Any]], object],
) -> DecisionFacts:
    """Decide about maya while all counters are locked. Do something as the decision waits."""
    be_patient(database)
    connection = own_connection(database)
    with database.connect() as other, ThreadPoolExecutor(1) as pool:
        other.execute("BEGIN")
        other.execute(COUNTERS)
        decision = call_of_decision(acme.users["maya"], micros, "waiting")
        running = pool.submit(connection.rows_of, decision)
        wait_for_waiters(database)
        for each in then:
            each(other)
        other.execute("COMMIT")
        facts = running.result(PATIENCE_SECONDS)[0].facts
        assert isinstance(facts, DecisionFacts)
        return facts


def change(client: Client, name: str = "all", **terms: object) -> Callable[[object], None]:
    """Set the terms of a budget."""

    def put(_: object) -> None:
        answer = client.put(f"{BUDGETS}/{name}", body(name, **terms))
        assert answer.status == 200, answer.body

    return put


def test_a_decision_that_waits_sees_into_how_many_parts_a_counter_is_split(
    database: Database, gateway: Client, olivia: Client, acme: Acme
) -> None:
    """Otherwise it holds money in a part that does not exist, and nothing counts it."""
    created(olivia, rollover_micros=5)
    reserve(gateway, of_cost(1))
    assert while_locked(database, acme, 1, change(olivia)).outcome == "granted"
    assert database.rows("SELECT count(*) FROM ai_budget_counters") == [(16,)]
    assert_counters_agree(database)


def test_a_decision_that_read_a_warning_obeys_what_is_enforced_meanwhile(
    database: Database, gateway: Client, olivia: Client, acme: Acme
) -> None:
    """Otherwise the other parts of the counter grant more than is left."""
    created(olivia, limit_micros=10, enforcement="warn")
    reserve(gateway, of_cost(1))
    enforced = change(olivia, limit_micros=8)
    refused = while_locked(database, acme, 8, enforced, lambda other: other.execute(SHARE))
    assert refused.outcome == "refused"
    assert [each.enforcement for each in refused.budgets] == ["enforce"]
    assert_counters_agree(database)


def test_a_refusal_after_a_wait_shows_the_limit_that_refused(
    database: Database, gateway: Client, olivia: Client, acme: Acme
) -> None:
    created(olivia, limit_micros=10, rollover_micros=1)
    reserve(gateway, of_cost(1))
    refused = while_locked(database, acme, 6, change(olivia, limit_micros=6)).decision
    shown = refused.budgets[1]
    assert (shown.limit_micros, shown.remaining_micros, shown.would_refuse) == (6, 5, True)
    assert refused.would_fit_micros == 5


@pytest.mark.parametrize("is_split", [True, False])
def test_a_date_within_a_quarter_of_an_hour_cuts_the_usage_of_both_sides(
    database: Database, gateway: Client, olivia: Client, is_split: bool
) -> None:
    now = datetime.now(UTC)
    quarter = datetime.fromtimestamp(now.timestamp() // 900 * 900, UTC) - timedelta(minutes=30)
    starts, ends = quarter + timedelta(minutes=5), quarter + timedelta(minutes=10)
    created(
        olivia,
        period={"unit": "none"},
        starts_at=rfc3339(starts),
        ends_at=rfc3339(ends),
        per="total" if is_split else "member",
    )
    microsecond = timedelta(microseconds=1)
    times = [quarter, starts - microsecond, starts, ends - microsecond, ends]
    for number, time in enumerate([*times, *times]):
        used = record(number, occurred_at=rfc3339(time), tokens={"input": 1})
        assert results(gateway, used)[0]["status"] == "recorded"
    assert database.rows("SELECT sum(spent_micros) FROM ai_budget_counters") == [(8,)]
    assert_counters_agree(database)


def test_tidying_a_counter_ends_although_its_hold_was_released(
    database: Database, gateway: Client, olivia: Client
) -> None:
    """Otherwise the counters of released holds fill each run of the job."""
    created(olivia)
    id_ = reserve(gateway, of_cost(1))
    assert gateway.delete(f"{PATH}/{id_}").status == 204
    database.run("UPDATE ai_budget_counters SET next_expiry = '-infinity'")
    expire(database, 12)
    assert database.rows("SELECT tidy_ai_budget_holds(9)") == [(0,)]


def test_a_retry_fits_at_the_end_of_the_budget_or_by_the_next_limit(
    gateway: Client, olivia: Client
) -> None:
    now = datetime.now(UTC)
    ends = rfc3339(now + timedelta(hours=1))
    created(olivia, limit_micros=5, period={"unit": "none"}, ends_at=ends)
    refused = gateway.post(PATH, of_cost(6)).json()
    assert refused["decision"]["retry_at"] == ends
    assert olivia.delete(f"{BUDGETS}/all").status == 204
    created(olivia, limit_micros=5, period={"unit": "day"}, rollover_micros=3)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    for micros, retry_at in ((5, None), (8, rfc3339(midnight)), (9, None)):
        decision = gateway.post(PATH, of_cost(micros, dry_run=True)).json()["decision"]
        assert decision["retry_at"] == retry_at
