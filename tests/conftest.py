"""Fixtures that every suite shares. Nothing starts before a test asks for it."""

import gc
import io
import json
import logging
import os
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from typing import Any

import hypothesis
import pytest

import import_directory
from allowance.access.session import WARM
from allowance.alerts.settings import alert_receivers, console_url
from allowance.aws.s3 import s3_client
from allowance.aws.sqs import sqs_client
from allowance.database.settings import database_source
from allowance.directory.settings import token_max_days
from allowance.exports.settings import export_target
from allowance.http.settings import cors_origins
from allowance.log import logger
from allowance.prices.seeding.settings import price_book_source
from allowance.reservations.settings import unpriced_default
from allowance.settings import settings
from allowance.usage.settings import alert_thresholds, usage_retention_months
from migrations.migrate import migrate
from tests.depth import DEPTH, by_depth
from tests.gateway import Client, Context
from tests.leaks import leaks
from tests.people import DIRECTORY, Acme
from tests.postgres import Database, Server, any_server

hypothesis.settings.register_profile(DEPTH, max_examples=by_depth(25, 100, 500), deadline=None)
hypothesis.settings.load_profile(DEPTH)

SETTINGS = {
    "AI_BUDGETS_ENABLED",
    "ASSUMED_INPUT_PRICE",
    "ASSUMED_OUTPUT_PRICE",
    "CORS_ORIGINS",
    "DEAD_LETTERS_URL",
    "PRICE_BOOK",
    "PRICE_BOOK_CA_FILE",
    "PRICE_BOOK_FORMAT",
    "TOKEN_MAX_DAYS",
    "UNPRICED_MODELS",
    "USAGE_RETENTION_MONTHS",
}


def pytest_report_header() -> str | None:
    return "Without the tests marked `thorough`: CI=true runs all." if DEPTH == "quick" else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the tests marked `thorough` to CI."""
    if DEPTH == "quick":
        left_out = [each for each in items if each.get_closest_marker("thorough")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [each for each in items if each not in set(left_out)]


def pytest_collection_finish() -> None:
    """Spare what the imports made from every collection of garbage that follows.

    Visiting it took 9% of the CPU time of the unit tests.
    """
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test fails by a secret in what it printed or logged, be the rest as it may."""
    report = yield
    if report.passed and (found := leaks("".join(content for _, content in report.sections))):
        report.outcome = "failed"
        report.longrepr = f"This test logged {', '.join(found)}."
    return report


@contextmanager
def environment(**variables: str) -> Generator[None]:
    """A function's environment, read afresh: what a new process would see."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [
            each
            for each in os.environ
            if "DATABASE_" in each or each.startswith(("ALERT_", "EXPORT_")) or each in SETTINGS
        ]:
            patch.delenv(name, raising=False)
        for name, value in variables.items():
            patch.setenv(name, value)
        forget_process()
        try:
            yield
        finally:
            forget_process()


def forget_process() -> None:
    """Close the warm connections and forget the settings."""
    for each in WARM.values():
        each.close()
    WARM.clear()
    for cached in (
        settings,
        database_source,
        cors_origins,
        price_book_source,
        alert_receivers,
        alert_thresholds,
        console_url,
        export_target,
        token_max_days,
        unpriced_default,
        usage_retention_months,
        s3_client,
        sqs_client,
    ):
        cached.cache_clear()


@pytest.fixture
def logged() -> Generator[Callable[[], list[dict[str, Any]]]]:
    """What the functions log during this test, as CloudWatch would have it."""
    stream = io.StringIO()
    handlers = [
        each
        for each in logging.getLogger(logger().service).handlers
        if isinstance(each, logging.StreamHandler)
    ]
    before = [handler.setStream(stream) for handler in handlers]
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    for handler, old in zip(handlers, before, strict=True):
        handler.setStream(old)
    # Where the look-out for secrets sees it.
    print(stream.getvalue())


@pytest.fixture(scope="session")
def server(worker_id: str) -> Generator[Server]:
    with any_server() as url, closing(Server(url, f"test_{worker_id}_{os.getpid()}")) as server:
        yield server


@pytest.fixture(scope="session")
def migrated(server: Server) -> Generator[Database]:
    """A database with the schema and nothing else, to be cloned."""
    with server.database() as database:
        with database.connect() as owner:
            migrate(owner, passwords=server.passwords)
        yield database


@pytest.fixture(scope="session")
def populated(server: Server, migrated: Database) -> Generator[tuple[Database, Acme]]:
    """A database with the directory, to be cloned. It is imported as an operator would."""
    with server.database(migrated.name) as database:
        with environment(DATABASE_URL=database.app_url):
            imported: dict[str, Any] = import_directory.handler(DIRECTORY, Context())
        yield database, Acme.of(imported)


@pytest.fixture
def empty_database(server: Server, migrated: Database) -> Generator[Database]:
    """The schema without any user."""
    with server.database(migrated.name) as database, environment(DATABASE_URL=database.app_url):
        yield database


@pytest.fixture
def database(server: Server, populated: tuple[Database, Acme]) -> Generator[Database]:
    """A database of this test alone, with acme and its people; the handlers called in this test use
    it.
    """
    with server.database(populated[0].name) as database, environment(DATABASE_URL=database.app_url):
        yield database


@pytest.fixture
def acme(database: Database, populated: tuple[Database, Acme]) -> Acme:
    return populated[1]


@pytest.fixture
def adam(acme: Acme) -> Client:
    """The organization's admin: suites run as him, or as a member, never as owner, who would hide
    permission bugs.
    """
    return acme.client("adam")


@pytest.fixture
def maya(acme: Acme) -> Client:
    """A member of acme and of its group platform."""
    return acme.client("maya")
