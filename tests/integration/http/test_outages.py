"""A database outage is a 503, and the next request recovers. A stale connection is replaced without
an error.
"""

import threading
import time
from collections.abc import Generator

import pytest

import import_directory
from allowance.rbac.system import Login
from local.postgres import EmbeddedPostgres
from migrate import migrate
from tests.conftest import environment
from tests.gateway import Answer, Client, Context
from tests.people import DIRECTORY, Acme
from tests.postgres import Database, with_parts
from tests.sessions import be_patient, wait_for_waiters

END_OURS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE "
    "'allowance/%'"
)
UNAVAILABLE = {"message": "The database is not available. Try again shortly."}


def assert_unavailable(answer: Answer) -> None:
    assert (answer.status, answer.json()) == (503, UNAVAILABLE)
    assert int(answer.headers["Retry-After"]) > 0


def test_a_stale_connection_is_replaced_unseen(
    adam: Client, acme: Acme, database: Database
) -> None:
    assert adam.put(acme.budget_path(), {"spend_limit_micros": 1}).status == 200
    for request in (
        lambda: adam.get(acme.budget_path()),
        lambda: adam.put(acme.budget_path(), {"spend_limit_micros": 2}),
        lambda: adam.get("/healthz?database=1"),
    ):
        assert database.rows(END_OURS)
        time.sleep(0.05)
        assert request().status == 200


def test_a_job_finds_its_connection_stale_and_goes_on(database: Database, adam: Client) -> None:
    adam.get("/api/v2/users/me")
    assert database.rows(END_OURS)
    assert import_directory.handler(DIRECTORY, Context())["tokens"] == {}


def test_a_backend_that_ends_mid_request_is_a_503_and_the_next_succeeds(
    adam: Client, acme: Acme, database: Database
) -> None:
    be_patient(database)
    answers: list[Answer] = []
    with database.connect() as other, other.transaction():
        other.execute(
            "SELECT 1 FROM groups WHERE id = %s FOR UPDATE", (acme.groups["acme/platform"],)
        )
        request = threading.Thread(
            target=lambda: answers.append(adam.put(acme.budget_path(), {"spend_limit_micros": 1}))
        )
        request.start()
        wait_for_waiters(database, application="allowance/%")
        database.rows(END_OURS)
        request.join()
    assert_unavailable(answers[0])
    assert adam.get(acme.budget_path()).status == 404, "nothing is half-written"
    assert adam.put(acme.budget_path(), {"spend_limit_micros": 2}).status == 200


def test_a_lock_that_is_not_let_go_is_a_503_after_the_roles_timeout(
    adam: Client, acme: Acme, database: Database
) -> None:
    # Well beyond the 2 s of a lock, so that a busy machine is no such timeout.
    database.run(
        f"ALTER ROLE allowance_routes IN DATABASE \"{database.name}\" SET statement_timeout = '60s'"
    )
    adam.get("/api/v2/users/me")
    with database.connect() as other, other.transaction():
        other.execute(
            "SELECT 1 FROM groups WHERE id = %s FOR UPDATE", (acme.groups["acme/platform"],)
        )
        started = time.monotonic()
        assert_unavailable(adam.put(acme.budget_path(), {"spend_limit_micros": 1}))
        assert time.monotonic() - started < 30
    assert adam.put(acme.budget_path(), {"spend_limit_micros": 1}).status == 200


@pytest.fixture
def own_server() -> Generator[tuple[EmbeddedPostgres, Acme]]:
    """A server of this test alone, so that it can be stopped."""
    with EmbeddedPostgres(durable=False) as server:
        database = Database(
            "allowance", server.url, with_parts(server.url, user=Login.ROUTES, password="app")
        )
        with database.connect() as owner:
            migrate(owner, passwords=dict.fromkeys(Login, "app"))
        with environment(DATABASE_URL=database.app_url):
            yield server, Acme.of(import_directory.handler(DIRECTORY, Context()))


def test_a_stopped_server_is_a_503_until_it_starts_with_no_restart_of_ours(
    own_server: tuple[EmbeddedPostgres, Acme],
) -> None:
    server, acme = own_server
    adam = acme.client("adam")
    assert adam.put(acme.budget_path(), {"spend_limit_micros": 1}).status == 200
    server.stop()
    assert_unavailable(adam.get(acme.budget_path()))
    assert_unavailable(adam.put(acme.budget_path(), {"spend_limit_micros": 2}))
    server.start()
    assert adam.get(acme.budget_path()).json()["spend_limit_micros"] == 1
    with Database("allowance", server.url, "").connect() as owner:
        owner.execute("ALTER ROLE allowance_routes CONNECTION LIMIT 0")
    server.stop()
    server.start()
    assert_unavailable(adam.get(acme.budget_path()))
    with Database("allowance", server.url, "").connect() as owner:
        owner.execute("ALTER ROLE allowance_routes CONNECTION LIMIT -1")
    assert adam.get(acme.budget_path()).status == 200


def test_a_job_waits_for_a_server_that_starts(own_server: tuple[EmbeddedPostgres, Acme]) -> None:
    server, _ = own_server
    server.stop()
    later = threading.Timer(0.3, server.start)
    later.start()
    assert import_directory.handler(DIRECTORY, Context())["tokens"] == {}
    later.join()
