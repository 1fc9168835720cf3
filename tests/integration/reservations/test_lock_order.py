"""The order in which writers lock counters. One order for all of them, so no two deadlock."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from tests.budget_counters import assert_counters_agree
from tests.gateway import Answer, Client
from tests.ledger import connection_of, record_in
from tests.organization_budgets import created
from tests.people import Acme
from tests.postgres import Database
from tests.reservations import PATH, of_cost, reserve, settle, used
from tests.sessions import PATIENCE_SECONDS, be_patient, wait_for_waiters

Counter = tuple[str, str, int]
LOCK = (
    "SELECT FROM ai_budget_counters WHERE budget_id = %s AND subject = %s AND slice = %s FOR UPDATE"
)
FREE = "SELECT budget_id::text, subject, slice FROM ai_budget_counters FOR UPDATE SKIP LOCKED"
PROJECT_A, PROJECT_B = {"labels": {"project": "a"}}, {"labels": {"project": "b"}}


@pytest.fixture
def overlapping(database: Database, acme: Acme, gateway: Client) -> list[Counter]:
    """Three budgets that count the same usage, whose counters exist. Their ids are in no order."""
    adam, project = acme.client("adam"), {"type": "label", "key": "project"}
    for name, terms in (
        ("all", {"rollover_micros": 1}),
        ("member", {"per": "member"}),
        ("project", {"scope": project, "per": "value"}),
    ):
        created(adam, name, **({"limit_micros": 10**6} | terms))
    batch(database, 1)
    be_patient(database)
    return in_order(all_counters(database))


def all_counters(database: Database) -> set[Counter]:
    return set(database.rows("SELECT budget_id::text, subject, slice FROM ai_budget_counters"))


def in_order(counters: Iterable[Counter]) -> list[Counter]:
    """Pools last, whose subject is empty here, and each kind by budget, subject and slice."""
    return sorted(counters, key=lambda counter: (counter[1] == "", *counter))


def batch(database: Database, number: int) -> None:
    """Record usage of two members for two projects, the last in order first."""
    records = [
        used(10 * number + n, user=user, tokens={"input": 1}, **project)
        for n, (user, project) in enumerate(
            [("otto", PROJECT_B), ("maya", PROJECT_A), ("otto", PROJECT_A), ("maya", PROJECT_B)]
        )
    ]
    answers = record_in(connection_of(database), records, datetime.now(UTC))
    assert {each.status for each in answers} == {"recorded"}


def locked_before(database: Database, counter: Counter, work: Callable[[], object]) -> set[Counter]:
    """Return the counters that a writer has locked when it waits for this one."""
    with database.connect() as other, ThreadPoolExecutor(1) as pool:
        other.execute("BEGIN")
        other.execute(LOCK.encode(), counter)
        running = pool.submit(work)
        wait_for_waiters(database)
        free = set(database.rows(FREE))
        other.execute("COMMIT")
        running.result(PATIENCE_SECONDS)
    return all_counters(database) - free - {counter}


def assert_in_order(
    database: Database, touched: Sequence[Counter], *works: Callable[[], object]
) -> None:
    """A writer locks the counters in their order, wherever it has to wait."""
    for place, work in zip((0, len(touched) // 2, len(touched) - 1), works, strict=True):
        assert locked_before(database, touched[place], work) == set(touched[:place])
    assert_counters_agree(database)


def of_maya(overlapping: list[Counter], acme: Acme) -> list[Counter]:
    """The counters of a call of maya for project a."""
    return [each for each in overlapping if each[1] in ("", "a", str(acme.users["maya"]))]


def has_status(answer: Answer, status: int) -> None:
    assert answer.status == status, answer.body


def test_a_batch_locks_counters_in_order(database: Database, overlapping: list[Counter]) -> None:
    works = [lambda number=number: batch(database, number) for number in (2, 3, 4)]
    assert len(overlapping) == 5
    assert_in_order(database, overlapping, *works)


def test_a_decision_locks_counters_in_order(
    database: Database, gateway: Client, acme: Acme, overlapping: list[Counter]
) -> None:
    works = [
        lambda number=number: reserve(gateway, of_cost(1, number, **PROJECT_A))
        for number in (1, 2, 3)
    ]
    assert_in_order(database, of_maya(overlapping, acme), *works)


def test_a_settlement_and_a_release_lock_counters_in_order(
    database: Database, gateway: Client, acme: Acme, overlapping: list[Counter]
) -> None:
    """The holds of a reservation, and the usage of other labels than it named."""
    ids = [reserve(gateway, of_cost(5, number, **PROJECT_A)) for number in range(6)]
    touched = of_maya(overlapping, acme)
    releases = [lambda id_=id_: has_status(gateway.delete(f"{PATH}/{id_}"), 204) for id_ in ids[:3]]
    assert_in_order(database, touched, *releases)
    other = [each for each in overlapping if each[1] == "b"]
    settlements = [
        lambda id_=id_, n=n: has_status(settle(gateway, id_, used(90 + n, **PROJECT_B)), 200)
        for n, id_ in enumerate(ids[3:])
    ]
    assert_in_order(database, in_order(touched + other), *settlements)


def test_the_parts_of_a_counter_are_locked_in_order(
    database: Database, gateway: Client, acme: Acme
) -> None:
    """By a decision that fits no part alone."""
    created(acme.client("adam"), limit_micros=1600)
    reserve(gateway, of_cost(1))
    be_patient(database)
    works = [lambda number=number: reserve(gateway, of_cost(400, number)) for number in (2, 3, 4)]
    assert_in_order(database, in_order(all_counters(database)), *works)
