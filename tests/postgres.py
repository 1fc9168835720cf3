"""The Postgres of the tests, always a real one: DATABASE_URL if set, else a container if a Docker
engine answers, else the embedded one. Each test gets a database of its own, cloned from one that is
migrated and holds a directory.
"""

import os
import secrets
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from local.postgres import EmbeddedPostgres
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

    def connect(self) -> psycopg.Connection[Any]:
        """The owner, in autocommit."""
        return psycopg.connect(self.owner_url, autocommit=True)

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self.connect() as owner:
            return owner.execute(query.encode(), parameters or None).fetchall()

    def run(self, query: str, *parameters: object) -> None:
        with self.connect() as owner:
            owner.execute(query.encode(), parameters or None)


@contextmanager
def any_server() -> Generator[str]:
    """The owner's URL of a server."""
    if url := os.environ.get("DATABASE_URL"):
        yield url
    elif _docker_answers():
        from testcontainers.community.postgres import PostgresContainer

        # A password that stands in no log by chance, as testcontainers' own would.
        with PostgresContainer(IMAGE, password=secrets.token_hex(16)) as container:
            yield container.get_connection_url(driver=None)
    else:
        with EmbeddedPostgres(durable=False) as server:
            yield server.url


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
        PASSWORDS.update(filter(None, (self._password, urlsplit(url).password)))

    def create(self, template: str = "template1") -> Database:
        name = f"{self._prefix}_{secrets.token_hex(6)}"
        with psycopg.connect(self.url, autocommit=True) as owner:
            owner.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
        return Database(
            name,
            with_parts(self.url, database=name),
            with_parts(self.url, database=name, user="allowance_app", password=self._password),
        )

    def drop(self, database: Database) -> None:
        with psycopg.connect(self.url, autocommit=True) as owner:
            owner.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database.name))
            )

    @contextmanager
    def database(self, template: str = "template1") -> Generator[Database]:
        database = self.create(template)
        try:
            yield database
        finally:
            self.drop(database)
