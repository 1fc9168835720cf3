"""The Postgres of the tests, always a real one: DATABASE_URL if set, else a container if a Docker
engine answers, else the embedded one. Each test gets a database of its own, cloned from one that is
migrated and holds a directory.
"""

import os
import secrets
import shutil
import subprocess
import threading
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from allowance.rbac.system import Login
from local.postgres import FAST_AND_FORGETFUL, EmbeddedPostgres
from tests.leaks import PASSWORDS

IMAGE = "postgres:16"


def with_parts(
    url: str, *, database: str | None = None, user: str | None = None, password: str | None = None
) -> str:
    """The URL with another database, user or password."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    login = f"{user or parts.username}:{password or parts.password or ''}"
    return urlunsplit(
        parts._replace(netloc=f"{login}@{host}", path=f"/{database}" if database else parts.path)
    )


@dataclass(frozen=True)
class Database:
    """A database of one test."""

    name: str
    owner_url: str
    app_url: str
    """Of the routes' login. The handlers replace the user in it by their own."""
    _owners: dict[int, psycopg.Connection[Any]] = field(default_factory=dict, compare=False)
    """The connection of each thread that asks: a login takes 5 ms, a question 0.1 ms."""
    _at_end: ExitStack = field(default_factory=ExitStack, compare=False)

    def url_of(self, login: Login) -> str:
        """The URL of another login of the functions. All have the same password here."""
        return with_parts(self.app_url, user=login)

    def connect(self) -> psycopg.Connection[Any]:
        """A new session of the owner, in autocommit."""
        return psycopg.connect(self.owner_url, autocommit=True)

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self._owner().execute(query.encode(), parameters or None).fetchall()

    def run(self, query: str, *parameters: object) -> None:
        self._owner().execute(query.encode(), parameters or None)

    def at_end(self, close: Callable[[], object]) -> None:
        """Call this before the database is dropped, also if the test fails before its own call."""
        self._at_end.callback(close)

    def close(self) -> None:
        """Close the connections behind `rows` and `run`, and what `at_end` got."""
        self._at_end.close()
        for owner in self._owners.values():
            owner.close()
        self._owners.clear()

    def _owner(self) -> psycopg.Connection[Any]:
        thread = threading.get_ident()
        owner = self._owners.get(thread)
        if owner is None or owner.closed:
            owner = self._owners[thread] = self.connect()
            # Tests change tables under way, which a prepared statement does not survive.
            owner.prepare_threshold = None
        return owner


@contextmanager
def any_server() -> Generator[str]:
    """The owner's URL of a server."""
    if url := os.environ.get("DATABASE_URL"):
        yield url
    elif _docker_answers():
        from testcontainers.community.postgres import PostgresContainer

        options = " ".join(f"-c {name}={value}" for name, value in FAST_AND_FORGETFUL.items())
        # testcontainers' own password would appear in a log by chance.
        container = PostgresContainer(IMAGE, password=secrets.token_hex(16))
        with container.with_command(f"postgres {options}"):
            url = container.get_connection_url(driver=None)
            _hash_password_quickly(url)
            yield url
    else:
        with EmbeddedPostgres(durable=False) as server:
            _hash_password_quickly(server.url)
            yield server.url


def _hash_password_quickly(url: str) -> None:
    """Hash the owner's password with the iterations that the server asks for.

    The suites log in thousands of times, and SCRAM's default costs both sides 5 ms each time.
    """
    with psycopg.connect(url, autocommit=True) as owner:
        info, login = owner.info, sql.Identifier(owner.info.user)
        verifier = owner.pgconn.encrypt_password(
            info.password.encode(), info.user.encode(), b"scram-sha-256"
        )
        owner.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(login, verifier.decode()))


def _docker_answers() -> bool:
    docker = shutil.which("docker")
    return (
        docker is not None
        and subprocess.run([docker, "info"], capture_output=True, timeout=10).returncode == 0
    )


class Server:
    """A server that gives out databases."""

    def __init__(self, url: str, prefix: str) -> None:
        self.url = url
        self._prefix = prefix
        self._password = secrets.token_hex(16)
        self._owner = psycopg.connect(url, autocommit=True)
        self._databases: dict[str, Database] = {}
        PASSWORDS.update(filter(None, (self._password, urlsplit(url).password)))

    @property
    def passwords(self) -> dict[str, str]:
        """The password of each login of the functions."""
        return dict.fromkeys(Login, self._password)

    def close(self) -> None:
        self._owner.close()

    def create(self, template: str = "template1") -> Database:
        name = f"{self._prefix}_{secrets.token_hex(6)}"
        if (original := self._databases.get(template)) is not None:
            # Postgres copies no database that has a session, and a test may have read this one.
            original.close()
        self._owner.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        made = self._databases[name] = Database(
            name,
            with_parts(self.url, database=name),
            with_parts(self.url, database=name, user=Login.ROUTES, password=self._password),
        )
        return made

    def drop(self, database: Database) -> None:
        database.close()
        del self._databases[database.name]
        self._owner.execute(
            sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database.name))
        )

    @contextmanager
    def database(self, template: str = "template1") -> Generator[Database]:
        database = self.create(template)
        try:
            yield database
        finally:
            self.drop(database)
