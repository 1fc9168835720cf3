"""The warm connection and the queries. The only module of the layer that imports psycopg.

A connection is autocommit: a read is its own transaction, a write is one statement or one pipelined
batch, which Postgres runs as one implicit transaction. See docs/decisions/0003-round-trips.md.
"""

import re
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format
from psycopg.rows import class_row
from psycopg.types.datetime import TimestamptzLoader

from allowance.database.arrays import ARRAYS
from allowance.database.login import connection_parameters
from allowance.errors import AllowanceError, DatabaseUnavailable, NotAGroupMember, UsageKeyTaken
from allowance.settings import BadSetting, DatabaseSource

CONNECT_TIMEOUT_SECONDS = 3

UNAVAILABLE_CLASSES = ("08", "53", "57")
"""SQLSTATE classes: connection exception, insufficient resources, operator intervention (shutdown,
time-out).
"""

UNAVAILABLE = frozenset({"55P03", "40001", "40P01", "25006"})
"""SQLSTATEs: lock not available, serialization failure, deadlock, read-only (a standby, while it
fails over).
"""

CONSTRAINTS: Mapping[str, type[AllowanceError]] = {
    "user_ai_budget_overrides_organization_membership": NotAGroupMember,
    "user_ai_budget_overrides_group_membership": NotAGroupMember,
    "ai_usage_keys_pkey": UsageKeyTaken,
}
"""What the schema refuses in place of the code, in the caller's words."""

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def queries() -> dict[str, bytes]:
    """Every query by its name. A file holds several, each after a line `-- name: x`."""
    found: dict[str, bytes] = {}
    for path in sorted(Path(__file__).parents[1].rglob("*.sql")):
        _, *pieces = _NAME.split(path.read_text(encoding="utf-8"))
        for name, sql in zip(pieces[::2], pieces[1::2], strict=True):
            if name in found:
                raise ValueError(f"Two queries are named {name}.")
            found[name] = sql.encode()
    return found


@dataclass(frozen=True)
class Call[T]:
    """A query with its parameters, and the model of its rows."""

    model: type[T]
    query: str
    parameters: dict[str, Any]


def call[T](model: type[T], query: str, /, **parameters: Any) -> Call[T]:
    """A query for `Database.in_one_trip`."""
    return Call(model, query, parameters)


class Database:
    """One connection, kept warm between invocations, made anew when it is found closed.

    Every method raises DatabaseUnavailable when Postgres is down, failing over, or out of
    connections, and what CONSTRAINTS says when the schema refuses a row.
    """

    def __init__(self, source: DatabaseSource, application_name: str) -> None:
        self._source = source
        self._application_name = application_name
        self._connection: psycopg.Connection[Any] | None = None
        self._within: psycopg.Connection[Any] | None = None
        self._may_repeat = True
        self._waited_seconds = 0.0

    def start_invocation(self) -> None:
        """From here the next statement is a first one: it must be safe to repeat, on a connection
        gone stale.
        """
        self._may_repeat = True

    def take_waited_ms(self) -> float:
        """Milliseconds that were spent on the database since this was last asked, connecting
        included.
        """
        waited, self._waited_seconds = self._waited_seconds, 0.0
        return waited * 1000

    def close(self) -> None:
        """End the connection; the next statement makes another."""
        if self._connection is not None:
            self._connection.close()

    def many[T](self, model: type[T], query: str, /, **parameters: Any) -> list[T]:
        """All rows of a query. One trip."""
        return self.rows_of(call(model, query, **parameters))

    def rows_of[T](self, what: Call[T]) -> list[T]:
        """As `many`, of a query that stands ready. One trip."""
        return self._attempt(lambda connection: _execute(connection, what).fetchall())

    def first[T](self, model: type[T], query: str, /, **parameters: Any) -> T | None:
        """The first row of a query, if there is one. One trip."""
        return self._attempt(
            lambda connection: _execute(connection, call(model, query, **parameters)).fetchone()
        )

    def one[T](self, model: type[T], query: str, /, **parameters: Any) -> T:
        """The row of a query that always has one. One trip."""
        row = self.first(model, query, **parameters)
        if row is None:
            raise LookupError(f"The query {query} answered no row.")
        return row

    def run(self, query: str, /, **parameters: Any) -> int:
        """How many rows a statement touched. One trip."""
        return self._attempt(
            lambda connection: connection.execute(queries()[query], parameters).rowcount
        )

    def in_one_trip[A, B](self, first: Call[A], second: Call[B]) -> tuple[list[A], list[B]]:
        """Two statements in one implicit transaction, both sent before the first is answered.

        The second sees what the first waited for: under READ COMMITTED each statement takes a
        snapshot of its own.
        """

        def batch(connection: psycopg.Connection[Any]) -> tuple[list[A], list[B]]:
            with connection.pipeline():
                earlier, later = _execute(connection, first), _execute(connection, second)
            return earlier.fetchall(), later.fetchall()

        return self._attempt(batch)

    def all_in_one_trip(self, *calls: Call[Any]) -> list[list[Any]]:
        """As `in_one_trip`, of any number of statements: the rows of each, in order."""

        def batch(connection: psycopg.Connection[Any]) -> list[list[Any]]:
            with connection.pipeline():
                cursors = [_execute(connection, each) for each in calls]
            return [cursor.fetchall() for cursor in cursors]

        return self._attempt(batch)

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Several statements, all or nothing. Costs two trips more: for jobs, not for routes."""
        self._attempt(lambda connection: connection.execute("BEGIN"))
        self._within = self._connection
        try:
            yield
            self._attempt(lambda connection: connection.execute("COMMIT"))
        except BaseException:
            if self._within is not None and not self._within.closed:
                self._within.rollback()
            raise
        finally:
            self._within = None

    def _attempt[T](self, work: Callable[[psycopg.Connection[Any]], T]) -> T:
        started = perf_counter()
        try:
            return self._on_a_connection(work)
        finally:
            self._waited_seconds += perf_counter() - started

    def _on_a_connection[T](self, work: Callable[[psycopg.Connection[Any]], T]) -> T:
        if self._within is not None and self._within.closed:
            # Another connection would not be in the transaction.
            raise DatabaseUnavailable
        may_repeat, self._may_repeat = self._may_repeat, False
        warm = self._connection is not None and not self._connection.closed
        connection = self._connection if warm and self._connection is not None else self._connect()
        try:
            return work(connection)
        except psycopg.Error as error:
            # Without a SQLSTATE it is the client that speaks, of a connection that is of no use any
            # more, marked as closed or not: a pipeline whose server went away says that it "cannot
            # exit while busy".
            stale = connection.closed or (
                isinstance(error, psycopg.OperationalError) and error.sqlstate is None
            )
            if stale:
                connection.close()
            if stale and warm and may_repeat:
                return self._on_a_connection(work)
            state = error.sqlstate or ""
            if state == "25006":
                # This server became a standby: another connection may find the new primary.
                connection.close()
            # A row for which there is no partition is the only one that is refused by no
            # constraint: its month of the ledger was dropped a moment ago, and is made anew for who
            # comes again.
            homeless = state == "23514" and error.diag.constraint_name is None
            if stale or homeless or state[:2] in UNAVAILABLE_CLASSES or state in UNAVAILABLE:
                raise DatabaseUnavailable from error
            if refusal := CONSTRAINTS.get(error.diag.constraint_name or ""):
                raise refusal from error
            raise

    def _connect(self) -> psycopg.Connection[Any]:
        try:
            self._connection = psycopg.connect(
                **connection_parameters(self._source),
                autocommit=True,
                # A prepared statement would pin the session of an RDS Proxy.
                prepare_threshold=None,
                connect_timeout=CONNECT_TIMEOUT_SECONDS,
                application_name=self._application_name,
            )
        except psycopg.OperationalError as error:
            raise DatabaseUnavailable from error
        except psycopg.ProgrammingError:
            # It quotes the connection string, password and all: these words must not reach a log.
            raise BadSetting("The connection string of the database cannot be read.") from None
        adapt(self._connection)
        return self._connection


def adapt(connection: psycopg.Connection[Any]) -> None:
    """Teach it times in UTC, and the arrays of `allowance.database.arrays`."""
    connection.adapters.register_loader("timestamptz", TimeInUtc)
    for kind in ARRAYS:
        connection.adapters.register_dumper(
            kind, type(kind.__name__, (ArrayDumper,), {"oid": kind.array_oid})
        )


class ArrayDumper(Dumper):
    """Sends an array as it is: each kind has a dumper of its own, with the OID of that."""

    format = Format.BINARY

    def dump(self, obj: Buffer) -> Buffer:
        return obj


class TimeInUtc(TimestamptzLoader):
    """A time in UTC, whatever zone the session is in.

    Python compares times of one zone by what its clock shows: in the hour that a clock shows twice,
    wrongly.
    """

    def load(self, data: Buffer) -> datetime:
        return super().load(data).astimezone(UTC)


def _execute[T](connection: psycopg.Connection[Any], what: Call[T]) -> psycopg.Cursor[T]:
    cursor = connection.cursor(row_factory=class_row(what.model))
    return cursor.execute(queries()[what.query], what.parameters)
