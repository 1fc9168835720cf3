"""Stores on connections of their own, each like a separate Lambda, and waits for their locks.

A busy machine may stop any of them for seconds: a wait here ends by a condition, and its limit only
turns a hang into a failure.
"""

import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from allowance.access.caller import Caller
from allowance.access.gate import Gate
from allowance.access.names import Names
from allowance.access.store import CallerStore, Origin
from allowance.access.tokens import Credential, credential_of
from allowance.database.database import Database as Connection
from allowance.database.queries import Call, call
from allowance.database.settings import DatabaseSource
from allowance.directory.importer import DirectoryStore
from allowance.rbac.policy import Subject
from allowance.rbac.roles import roles_of_user
from allowance.rbac.system import DIRECTORY_IMPORTER, Login
from tests.postgres import Database

PATIENCE_SECONDS = 60
TIME_LIMITS = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")

WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type "
    "= 'Lock' AND application_name LIKE %s"
)


def call_of_caller(
    credential: Credential,
    *,
    group_id: UUID | None = None,
    organization: str | None = None,
    username: str | None = None,
) -> Call[Caller]:
    """The query that authenticates; the others are what the path names."""
    return call(
        Caller,
        "authenticate",
        token_id=credential.token_id,
        secret_sha256=credential.secret_sha256,
        blind=b"",
        **Names(group=group_id, organization=organization, user=username).with_caller,
    )


@contextmanager
def store_of[S: CallerStore](
    kind: type[S],
    database: Database,
    token: str,
    *,
    group_id: UUID | None = None,
    organization: str | None = None,
    username: str | None = None,
) -> Generator[S]:
    """A store for the owner of a token; the others are what the path names."""
    connection = Connection(DatabaseSource(database.app_url), "test")
    authenticate = call_of_caller(
        credential_of({"coder-session-token": token}),
        group_id=group_id,
        organization=organization,
        username=username,
    )
    try:
        (caller,) = connection.rows_of(authenticate)
        roles = roles_of_user(
            caller.roles, ((each.id, each.roles) for each in caller.organizations)
        )
        gate = Gate(Subject(caller.user_id, roles), connection)
        yield kind(gate, Origin(caller.user_id, caller.username, "test", caller.token_id), caller)
    finally:
        connection.close()


@contextmanager
def directory_store(database: Database) -> Generator[DirectoryStore]:
    """The store of an import."""
    connection = Connection(DatabaseSource(database.url_of(Login.DIRECTORY)), "import")
    try:
        yield DirectoryStore(
            Gate(DIRECTORY_IMPORTER.subject, connection), Origin(None, "directory-importer", "r")
        )
    finally:
        connection.close()


def be_patient(database: Database) -> None:
    """Give the functions' sessions that begin from now on a minute, instead of 2 to 10 s, for a
    lock, for a statement, and between two statements of a transaction.

    For tests in which a session holds a lock until others wait for it, or works in a transaction.
    """
    for login in Login:
        for name in TIME_LIMITS:
            database.run(
                f'ALTER ROLE {login} IN DATABASE "{database.name}"'
                f" SET {name} = '{PATIENCE_SECONDS}s'"
            )


def wait_for_waiters(database: Database, number: int = 1, application: str = "%") -> None:
    """Return when this number of sessions of an application waits for a lock."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while database.rows(WAITING, application) != [(number,)]:
        assert time.monotonic() < give_up, f"{application} waits for nobody"
        time.sleep(0.005)


def at_once(*workers: Callable[[], int]) -> list[int]:
    """Start all workers together, and return the number of things that each did."""
    start = threading.Barrier(len(workers), timeout=PATIENCE_SECONDS)

    def run(work: Callable[[], int]) -> int:
        start.wait()
        return work()

    with ThreadPoolExecutor(len(workers)) as pool:
        return list(pool.map(run, workers))


@contextmanager
def beside(*workers: Callable[[threading.Event], Any]) -> Generator[list[Future[Any]]]:
    """Run workers beside the block. Each stops at the event, which is set when the block ends, also
    if it fails. Raises the first error of a worker.
    """
    stop = threading.Event()
    with ThreadPoolExecutor(len(workers)) as pool:
        running = [pool.submit(worker, stop) for worker in workers]
        try:
            yield running
        finally:
            stop.set()
    for each in running:
        each.result()
