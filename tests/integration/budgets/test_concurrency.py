"""Concurrent admins: If-Match protects a budget, and every audit entry follows the last one."""

import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest

from allowance.access.caller import Caller
from allowance.access.gate import Gate
from allowance.access.store import Origin
from allowance.access.tokens import credential_of
from allowance.budgets.groups import GroupBudgetStore
from allowance.contract.preconditions import Precondition
from allowance.database.database import Database as Connection
from allowance.database.queries import call
from allowance.database.settings import DatabaseSource
from allowance.errors import BudgetChanged, BudgetNotFound
from allowance.rbac.policy import Subject
from allowance.rbac.roles import roles_of_user
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database

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


@contextmanager
def store_of(database: Database, acme: Acme, username: str) -> Generator[GroupBudgetStore]:
    """A store on its own connection, like a separate Lambda."""
    connection = Connection(DatabaseSource(database.app_url, None), "test")
    credential = credential_of({"coder-session-token": acme.tokens[f"{username}/test"]})
    authenticate = call(
        Caller,
        "authenticate",
        token_id=credential.token_id,
        secret_sha256=credential.secret_sha256,
        blind=b"",
        group_id=acme.groups["acme/platform"],
        organization_id=None,
        organization_name=None,
        named_user_id=None,
        named_username=None,
    )
    (caller,) = connection.rows_of(authenticate)
    roles = roles_of_user(caller.roles, ((each.id, each.roles) for each in caller.organizations))
    gate = Gate(Subject(caller.user_id, roles), connection)
    yield GroupBudgetStore(
        gate,
        Origin(caller.user_id, username, f"{username}-{threading.get_ident()}", caller.token_id),
        caller,
    )
    connection.close()


@pytest.mark.parametrize("writers", [16])
def test_under_concurrent_puts_and_deletes_the_audit_log_is_a_chain(
    database: Database, acme: Acme, writers: int
) -> None:
    group, rounds = acme.groups["acme/platform"], 25
    start = threading.Barrier(writers)

    def write(number: int) -> int:
        done = 0
        with store_of(database, acme, "adam" if number % 2 else "olivia") as store:
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


def test_only_one_of_many_concurrent_creates_succeeds(database: Database, acme: Acme) -> None:
    group = acme.groups["acme/platform"]
    start = threading.Barrier(8)

    def create(number: int) -> bool:
        with store_of(database, acme, "adam") as store, suppress(BudgetChanged):
            start.wait()
            store.set(group, number, Precondition(must_be_absent=True))
            return True
        return False

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(create, range(8))) == 1
