"""An import beside writers of overrides: nobody waits in a circle, and the log stays a chain."""

from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from threading import Event
from typing import Any

import pytest

from allowance.directory import reading
from allowance.directory.reading import read_directory
from tests.gateway import Answer, Client
from tests.overrides import MAYA, entries, limit
from tests.people import Acme
from tests.postgres import Database
from tests.sessions import be_patient, beside, directory_store, wait_for_waiters

LOCK = "SELECT 1 FROM users WHERE username = %s FOR NO KEY UPDATE"

LEAVES_THE_GROUP = {
    "users": [
        {"username": "maya", "organizations": [{"name": "acme", "groups": ["research"]}]},
        {"username": "otto", "roles": ["auditor"]},
    ]
}
LEAVES_THE_ORGANIZATION = {
    "users": [
        {"username": "maya", "organizations": []},
        {"username": "otto", "roles": ["auditor"]},
    ]
}
DROPS_THE_GROUP = {
    "organizations": [{"name": "acme", "groups": ["research"]}],
    "users": [
        {"username": "maya", "roles": ["auditor"]},
        {"username": "otto", "roles": ["auditor"]},
    ],
}
OF_EACH_KIND = pytest.mark.parametrize(
    "document",
    [LEAVES_THE_GROUP, LEAVES_THE_ORGANIZATION, DROPS_THE_GROUP],
    ids=["leaves the group", "leaves the organization", "the group is deleted"],
)


@pytest.fixture(autouse=True)
def one_user_per_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "ROWS_PER_SLICE", 1)


@pytest.fixture
def patient(database: Database) -> None:
    be_patient(database)


@pytest.fixture
def olivia(acme: Acme) -> Client:
    return acme.client("olivia")


@OF_EACH_KIND
@pytest.mark.usefixtures("patient")
def test_a_writer_who_waits_for_an_import_sees_what_it_left(
    olivia: Client, acme: Acme, database: Database, document: dict[str, Any]
) -> None:
    """The import is in its second slice, and has taken the override in its first."""
    olivia.put(MAYA, limit(acme, 1))
    with directory_store(database) as store, ThreadPoolExecutor(2) as threads:
        with database.connect() as other, other.transaction():
            other.execute(LOCK, ("otto",))
            imported = threads.submit(store.import_directory, read_directory(document))
            wait_for_waiters(database, application="import")
            put: Future[Answer] = threads.submit(olivia.put, MAYA, limit(acme, 2, "acme/Everyone"))
            wait_for_waiters(database, application="allowance/%")
        imported.result()
        left = document is LEAVES_THE_ORGANIZATION
        assert put.result().status == (400 if left else 200)
    states = [entry[2:4] for entry in entries(database)]
    assert all(later[0] == earlier[1] for earlier, later in pairwise(states)), states
    assert len(states) == (2 if left else 3)


@OF_EACH_KIND
@pytest.mark.usefixtures("patient")
def test_an_import_waits_for_a_writer_before_it_takes_the_override(
    olivia: Client, acme: Acme, database: Database, document: dict[str, Any]
) -> None:
    """A writer has locked the user, and next wants the override: no circle."""
    olivia.put(MAYA, limit(acme, 1))
    with directory_store(database) as store, ThreadPoolExecutor(1) as threads:
        with database.connect() as writer, writer.transaction():
            writer.execute(LOCK, ("maya",))
            imported = threads.submit(store.import_directory, read_directory(document))
            wait_for_waiters(database, application="import")
            writer.execute("SET LOCAL lock_timeout = '200ms'")
            writer.execute("UPDATE user_ai_budget_overrides SET spend_limit_micros = 2")
        imported.result()
    assert database.rows("SELECT 1 FROM user_ai_budget_overrides") == []
    assert entries(database)[-1][2] == limit(acme, 2)


def test_imports_of_many_slices_and_writers_never_meet_in_a_circle(
    olivia: Client, acme: Acme, database: Database
) -> None:
    documents = [LEAVES_THE_GROUP, DROPS_THE_GROUP, LEAVES_THE_ORGANIZATION]
    both = [{"name": "acme", "groups": ["platform", "research"]}]
    back = {"organizations": both, "users": [{"username": "maya", "organizations": both}]}

    def import_again_and_again(stop: Event) -> None:
        with directory_store(database) as store:
            while not stop.is_set():
                for document in documents:
                    store.import_directory(read_directory(back))
                    store.import_directory(read_directory(document))

    groups = ("acme/platform", "acme/Everyone", "acme/research")
    with beside(import_again_and_again):
        statuses = [
            (olivia.put(MAYA, limit(acme, n, groups[n % 3])) if n % 4 else olivia.delete(MAYA))
            for n in range(1, 60)
        ]
    assert {each.status for each in statuses} <= {200, 204, 400, 404, 412}, "503: a circle"
    states = [entry[2:4] for entry in entries(database)]
    assert all(later[0] == earlier[1] for earlier, later in pairwise(states)), states
