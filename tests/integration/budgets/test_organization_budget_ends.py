"""What a budget is about may end, or change while somebody writes: the budget follows."""

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from allowance.budgets.organization_changes import BudgetChangeStore
from allowance.contract.preconditions import Precondition
from allowance.errors import BudgetNameTaken
from tests.directory_documents import apply
from tests.gateway import Answer, Client
from tests.organization_budgets import (
    BUDGETS,
    body,
    budget_terms,
    created,
    entries,
    fields,
    group,
    names,
    user,
)
from tests.people import Acme
from tests.postgres import Database
from tests.sessions import at_once, be_patient, store_of, wait_for_waiters


def test_a_budget_ends_with_its_group_user_or_organization(
    acme: Acme, adam: Client, database: Database
) -> None:
    scopes = {
        "all": {"type": "organization"},
        "maya": user(acme.users["maya"]),
        "otto": user(acme.users["otto"]),
        "platform": group(acme.groups["acme/platform"]),
        "research": group(acme.groups["acme/research"]),
    }
    made = {name: created(adam, name, scope=scope) for name, scope in scopes.items()}
    apply(
        {
            "organizations": [{"name": "acme", "groups": ["research"]}],
            "users": [{"username": "maya", "status": "deleted"}],
            "confirm_deletions": True,
        }
    )
    assert names(adam) == ["all", "otto", "research"]
    written = sorted(entries(database)[len(scopes) :], key=lambda each: str(each[2]["name"]))
    assert [each[:2] for each in written] == [("directory-importer", "delete")] * 2
    assert [each[2]["name"] for each in written] == ["maya", "platform"]
    assert [each[3:] for each in written] == [
        (None, None, acme.users["maya"]),
        (None, acme.groups["acme/platform"], None),
    ]
    # Suspended is not deleted; the history of an ended budget stays readable.
    apply({"users": [{"username": "otto", "status": "suspended"}]})
    assert names(adam) == ["all", "otto", "research"]
    for name in ("maya", "platform"):
        ended = adam.get(f"{BUDGETS}/{made[name]['id']}").json()
        assert (ended["ended_at"], ended["updated_at"]) > (made[name]["updated_at"],) * 2
    assert database.rows(
        "SELECT DISTINCT revision FROM ai_budgets WHERE ended_at > '0001-1-1'"
    ) == [(2,)]
    apply({"organizations": [{"name": "acme", "deleted": True}], "confirm_deletions": True})
    in_force = "SELECT count(*) FROM ai_budgets WHERE ended_at IS NULL"
    assert database.rows(in_force) == [(0,)]
    assert len(entries(database)) == 2 * len(scopes)


@pytest.mark.parametrize(
    ("statement", "scope", "expected"),
    [
        ("DELETE FROM groups WHERE name = 'platform'", "group", (400, ["scope.group_id"])),
        (
            "UPDATE users SET status = 'deleted' WHERE username = 'maya'",
            "user",
            (400, ["scope.user_id"]),
        ),
        ("UPDATE organizations SET deleted_at = now(), is_default = false", "all", (404, [])),
    ],
)
def test_a_budget_that_is_created_meanwhile_does_not_outlive_its_end(
    acme: Acme,
    adam: Client,
    database: Database,
    statement: str,
    scope: str,
    expected: tuple[int, list[str]],
) -> None:
    scopes: dict[str, dict[str, str]] = {
        "group": group(acme.groups["acme/platform"]),
        "user": user(acme.users["maya"]),
        "all": {"type": "organization"},
    }
    made = behind(database, statement, lambda: adam.post(BUDGETS, body(scope=scopes[scope])))
    assert fields(made) == expected


def test_a_change_waits_for_those_who_record_usage(
    acme: Acme, adam: Client, database: Database
) -> None:
    recording = (
        f"SELECT pg_advisory_xact_lock_shared(ai_budgets_lock_key('{acme.organizations['acme']}'))"
    )
    assert behind(database, recording, lambda: adam.post(BUDGETS, body())).status == 201
    path = f"{BUDGETS}/all"
    assert behind(database, recording, lambda: adam.put(path, body())).status == 200
    assert behind(database, recording, lambda: adam.delete(path)).status == 204


def test_changes_at_once_are_a_chain_and_a_name_is_given_once(
    acme: Acme, adam: Client, database: Database
) -> None:
    be_patient(database)
    created(adam)

    def worker(username: str) -> int:
        token, done = acme.tokens[f"{username}/test"], 0
        with store_of(BudgetChangeStore, database, token, organization="acme") as store:
            for n in range(5):
                store.set("all", budget_terms("all", limit_micros=n), Precondition())
                with suppress(BudgetNameTaken):
                    store.create(budget_terms(f"new {n}"))
                    done += 1
        return done

    assert sum(at_once(*(partial(worker, name) for name in ("adam", "olivia")))) == 5
    changes = [each for each in entries(database) if (each[2] or each[3])["name"] == "all"]
    assert [each[2] for each in changes[1:]] == [each[3] for each in changes[:-1]]
    assert len(changes) == 11
    assert database.rows("SELECT revision FROM ai_budgets WHERE name = 'all'") == [(11,)]


def behind(database: Database, statement: str, work: Any) -> Answer:
    """The response to a request that waits for a transaction of the owner, which then commits."""
    be_patient(database)
    with ThreadPoolExecutor(1) as pool:
        with database.connect() as other, other.transaction():
            other.execute(statement.encode())
            started: Future[Answer] = pool.submit(work)
            wait_for_waiters(database)
        return started.result()
