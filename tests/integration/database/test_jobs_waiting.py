"""A job waits for a database that resumes, and lets it pause again. A request does not wait.

Aurora at zero capacity accepts connections some seconds after the first attempt.
"""

import time
from contextlib import nullcontext
from typing import Any

import psycopg
import pytest

import expire_usage
from allowance.access import session
from allowance.database import database as connections
from allowance.rbac.system import USAGE_EXPIRER
from allowance.triggers.jobs import job
from allowance.usage.retention import ExpiredMonths, UsageExpirer
from tests.conftest import environment
from tests.gateway import Context
from tests.late_postgres import late
from tests.people import Acme
from tests.postgres import Database
from tests.usage import failed, message, record

RESUMES_AFTER_SECONDS = 0.7


def expire(url: str) -> Any:
    with environment(DATABASE_URL=url, USAGE_RETENTION_MONTHS="120"):
        return expire_usage.handler({}, Context())


def test_a_job_waits_for_a_database_that_resumes(database: Database) -> None:
    with late(database.app_url, RESUMES_AFTER_SECONDS) as url:
        assert expire(url)["dropped"] == []


def test_a_job_outwaits_the_timeout_of_a_request(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "CONNECT_TIMEOUT_SECONDS", 2)
    with late(database.app_url, 2.2, accepts=True) as url:
        attempts, connect = list[str](), psycopg.connect

        def counted(conninfo: str = "", **parameters: Any) -> Any:
            attempts.append(conninfo)
            return connect(conninfo, **parameters)

        monkeypatch.setattr(psycopg, "connect", counted)
        assert expire(url)["dropped"] == []
    assert len(attempts) == 1, "the first attempt succeeded"


def test_a_request_does_not_wait(database: Database, acme: Acme) -> None:
    patience = session.JOB_PATIENCE_SECONDS
    with late(database.app_url, 2 * patience) as url, environment(DATABASE_URL=url):
        started = time.monotonic()
        assert acme.client("adam").get(acme.budget_path()).status == 503
        assert time.monotonic() - started < patience / 2


@pytest.mark.usefixtures("acme")
def test_many_messages_wait_no_longer_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "JOB_PATIENCE_SECONDS", 1)
    with environment(DATABASE_URL="postgresql://allowance_jobs:x@127.0.0.1:1/nowhere"):
        started = time.monotonic()
        assert len(failed(*(message(f"m{n}", record(n)) for n in range(10)))) == 10
        assert 0.4 < time.monotonic() - started < 6, "each would wait a second"


@pytest.mark.parametrize("fails", [False, True])
def test_a_job_leaves_no_connection_that_keeps_a_database_awake(
    database: Database, *, fails: bool
) -> None:
    sessions = (
        "SELECT count(*)::int FROM pg_stat_activity "
        "WHERE datname = current_database() AND application_name LIKE 'allowance/%'"
    )

    @job(USAGE_EXPIRER, UsageExpirer)
    def work(store: UsageExpirer, _: dict[str, Any]) -> ExpiredMonths:
        expired = store.expire(120)
        assert database.rows(sessions) == [(1,)]
        if fails:
            raise ValueError
        return expired

    with environment(DATABASE_URL=database.app_url):
        with pytest.raises(ValueError) if fails else nullcontext():  # noqa: PT011
            work({}, Context())
        deadline = time.monotonic() + 30
        while database.rows(sessions) != [(0,)] and time.monotonic() < deadline:
            time.sleep(0.01)
        assert database.rows(sessions) == [(0,)]
