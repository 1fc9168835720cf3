"""Concurrent admins: If-Match protects a budget, and every audit entry follows the last one."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from functools import partial
from itertools import pairwise
from uuid import UUID

import pytest

from allowance.budgets.groups import GroupBudgetStore
from allowance.contract.preconditions import Precondition
from allowance.directory.reading import read_directory
from allowance.errors import BudgetChanged, BudgetNotFound, GroupNotFound
from tests.depth import by_depth
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.sessions import at_once, directory_store, store_of

CHANGED = "The budget was changed by someone else."


def test_if_match_lets_only_the_first_of_two_admins_write(adam: Client, acme: Acme) -> None:
    path = acme.budget_path()
    tag = adam.put(path, {"spend_limit_micros": 1}).headers["ETag"]
    olivia = acme.client("olivia")
    assert olivia.put(path, {"spend_limit_micros": 2}, headers={"If-Match": tag}).status == 200
    late = adam.put(path, {"spend_limit_micros": 3}, headers={"If-Match": tag})
    assert (late.status, late.json()["message"]) == (412, CHANGED)
    assert adam.delete(path, headers={"If-Match": tag}).status == 412
    now = adam.get(path)
    assert now.json()["spend_limit_micros"] == 2
    assert adam.delete(path, headers={"If-Match": now.headers["ETag"]}).status == 204


def test_the_same_value_again_is_another_version(adam: Client, acme: Acme) -> None:
    path = acme.budget_path()
    tag = adam.put(path, {"spend_limit_micros": 1}).headers["ETag"]
    adam.put(path, {"spend_limit_micros": 1})
    assert adam.put(path, {"spend_limit_micros": 2}, headers={"If-Match": tag}).status == 412


def test_if_none_match_star_creates_only(adam: Client, acme: Acme) -> None:
    path, only_new = acme.budget_path(), {"If-None-Match": "*"}
    assert adam.put(path, {"spend_limit_micros": 1}, headers=only_new).status == 200
    again = adam.put(path, {"spend_limit_micros": 2}, headers=only_new)
    assert (again.status, again.json()["message"]) == (412, CHANGED)
    assert adam.get(path).json()["spend_limit_micros"] == 1


def test_if_match_demands_a_budget(adam: Client, acme: Acme, database: Database) -> None:
    path = acme.budget_path()
    for value in ("*", '"2026-11-22T06:00:00.123456Z"', "garbage"):
        assert adam.put(path, {"spend_limit_micros": 1}, headers={"If-Match": value}).status == 412
    # A response that is 404 without the condition is 404 with it (RFC 9110, 13.2.1).
    assert adam.delete(path, headers={"If-Match": "*"}).status == 404
    assert database.rows("SELECT 1 FROM audit_log WHERE resource_type = 'group_ai_budget'") == []


def test_a_refused_precondition_writes_no_entry(
    adam: Client, acme: Acme, database: Database
) -> None:
    path = acme.budget_path()
    adam.put(path, {"spend_limit_micros": 1})
    assert adam.put(path, {"spend_limit_micros": 2}, headers={"If-Match": '"x"'}).status == 412
    assert adam.delete(path, headers={"If-None-Match": "*"}).status == 412
    assert (
        len(database.rows("SELECT 1 FROM audit_log WHERE resource_type = 'group_ai_budget'")) == 1
    )


def budgets_of(
    database: Database, acme: Acme, username: str, group_id: UUID | None = None
) -> AbstractContextManager[GroupBudgetStore]:
    """A store for the budget of a group, by default of platform."""
    group_id = group_id or acme.groups["acme/platform"]
    return store_of(GroupBudgetStore, database, acme.tokens[f"{username}/test"], group_id=group_id)


@pytest.mark.parametrize("writers", [16])
def test_under_concurrent_puts_and_deletes_the_audit_log_is_a_chain(
    database: Database, acme: Acme, writers: int
) -> None:
    group, rounds = acme.groups["acme/platform"], 25
    start = threading.Barrier(writers, timeout=60)

    def write(number: int) -> int:
        done = 0
        with budgets_of(database, acme, "adam" if number % 2 else "olivia") as store:
            start.wait()
            for turn in range(rounds):
                with suppress(BudgetNotFound):
                    if (number + turn) % 5 == 0:
                        store.delete(group, Precondition())
                    else:
                        store.set(group, number * rounds + turn, Precondition())
                    done += 1
        return done

    with ThreadPoolExecutor(writers) as threads:
        written = sum(threads.map(write, range(writers)))
    entries = database.rows(
        "SELECT before, after FROM audit_log WHERE resource_type = 'group_ai_budget' ORDER BY id"
    )
    assert len(entries) == written
    assert entries[0][0] is None
    for (_, after), (before, _) in zip(entries, entries[1:], strict=False):
        assert before == after
    final = database.rows(
        "SELECT jsonb_build_object('spend_limit_micros', spend_limit_micros) FROM group_ai_budgets"
    )
    assert [entries[-1][1]] == ([final[0][0]] if final else [None])
    times = [
        row[0]
        for row in database.rows(
            "SELECT created_at FROM audit_log WHERE actor_id IS NOT NULL ORDER BY id"
        )
    ]
    assert times == sorted(times)


def test_the_chain_of_a_budget_ends_with_its_group(database: Database, acme: Acme) -> None:
    """Admins change the budget of a group that imports delete and create again."""
    groups, rounds = [acme.groups["acme/platform"]], by_depth(quick=3, thorough=10, deep=60)
    ended = threading.Event()

    def write(number: int) -> int:
        done = 0
        while not ended.is_set():
            group = groups[-1]
            with (
                budgets_of(database, acme, "adam", group) as store,
                suppress(BudgetNotFound, GroupNotFound),
            ):
                if (number + done) % 3 == 0:
                    store.delete(group, Precondition())
                else:
                    store.set(group, done, Precondition())
            done += 1
        return done

    def import_again() -> int:
        try:
            with directory_store(database) as store:
                for _ in range(rounds):
                    for kept in (["research"], ["research", "platform"]):
                        document = {
                            "organizations": [{"name": "acme", "groups": kept}],
                            "confirm_deletions": True,
                        }
                        imported = store.import_directory(read_directory(document)).groups
                    groups.append(imported["acme/platform"])
        finally:
            ended.set()
        return rounds

    at_once(*(partial(write, number) for number in range(4)), import_again)
    for group in groups:
        chain = database.rows(
            "SELECT before, after FROM audit_log WHERE resource_type = 'group_ai_budget' AND "
            "group_id = %s ORDER BY id",
            group,
        )
        state = database.rows(
            "SELECT jsonb_build_object('spend_limit_micros', spend_limit_micros) FROM "
            "group_ai_budgets WHERE group_id = %s",
            group,
        )
        assert all(earlier[1] == later[0] for earlier, later in pairwise(chain))
        assert [each[1] for each in chain[-1:] if each[1] is not None] == [
            each[0] for each in state
        ]


@pytest.mark.parametrize("condition", ["If-None-Match", "If-Match"])
def test_of_many_writers_with_one_condition_only_one_succeeds(
    database: Database, acme: Acme, condition: str
) -> None:
    group, start = acme.groups["acme/platform"], threading.Barrier(8, timeout=60)
    precondition = Precondition(must_be_absent=True)
    if condition == "If-Match":
        with budgets_of(database, acme, "adam") as store:
            version = store.set(group, 9, Precondition()).updated_at
        precondition = Precondition(versions=(version,))

    def write(number: int) -> bool:
        with budgets_of(database, acme, "adam") as store, suppress(BudgetChanged):
            start.wait()
            if condition == "If-Match" and number % 2:
                store.delete(group, precondition)
            else:
                store.set(group, number, precondition)
            return True
        return False

    def attempt(number: int) -> bool:
        # A deletion without a budget is a 404, whatever the condition.
        with suppress(BudgetNotFound):
            return write(number)
        return False

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(attempt, range(8))) == 1
