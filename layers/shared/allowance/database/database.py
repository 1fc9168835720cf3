"""The one warm connection of a process. It runs queries by name.

Only the gate and the session use it (`allowance.access`). A connection is in autocommit: a read is
its own transaction; a write is one statement or one pipelined batch, which Postgres runs as one
implicit transaction. See docs/decisions/0003-round-trips.md.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from time import monotonic, perf_counter, sleep
from typing import Any

import psycopg
from psycopg.rows import class_row

from allowance.database.adapters import adapt
from allowance.database.login import connection_parameters
from allowance.database.queries import Call, queries
from allowance.database.settings import DatabaseSource
from allowance.errors import (
    AllowanceError,
    DatabaseUnavailable,
    GroupDeleted,
    NotAGroupMember,
    ReservationChanged,
    StatementCancelled,
    UsageKeyTaken,
    UsageMonthDropped,
)
from allowance.settings import BadSetting

CONNECT_TIMEOUT_SECONDS = 3
"""The longest attempt of a request. Its caller retries."""

CONNECT_PAUSE_SECONDS = 0.5
"""The pause between two attempts of a job that waits for the database."""

UNAVAILABLE_CLASSES = ("08", "53", "57")
"""SQLSTATE classes: connection exception, insufficient resources, operator intervention."""

READ_ONLY = "25006"
"""SQLSTATE of a write on a standby. After a failover the old primary is a standby."""

UNAVAILABLE = frozenset({"55P03", "40001", "40P01", READ_ONLY})
"""SQLSTATEs: lock not available, serialization failure, deadlock, read-only."""

CANCELLED = "57014"
"""SQLSTATE of a statement that met its timeout, or that an operator cancelled."""

CHECK_VIOLATION = "23514"

CHANGED_MEANWHILE: Mapping[str, type[AllowanceError]] = {
    "AL001": ReservationChanged,
    "AL003": GroupDeleted,
}
"""SQLSTATE -> the error, where the caller looks it up again: see migrations/0030_reserving.sql and
0031_settling.sql.
"""

CONSTRAINTS: Mapping[str, type[AllowanceError]] = {
    "user_ai_budget_overrides_organization_membership": NotAGroupMember,
    "user_ai_budget_overrides_group_membership": NotAGroupMember,
    "ai_usage_keys_pkey": UsageKeyTaken,
    "ai_usage_revisions_pkey": UsageKeyTaken,
}
"""Constraint -> the error of the caller when the constraint refuses a row."""


class Database:
    """One connection. It stays warm between invocations, and a closed one is replaced.

    Every method raises DatabaseUnavailable when Postgres is down, failing over or out of
    connections, StatementCancelled (which is one) when a statement takes too long, and the error of
    CONSTRAINTS when the schema refuses a row.
    """

    def __init__(self, source: DatabaseSource, application_name: str) -> None:
        self._source = source
        self._application_name = application_name
        self._connection: psycopg.Connection[Any] | None = None
        self._within: psycopg.Connection[Any] | None = None
        self._may_repeat = True
        self._patience_seconds = 0.0
        self._gave_up = False
        self._waited_seconds = 0.0

    def start_invocation(self, *, patience_seconds: float = 0) -> None:
        """Let the next statement run twice if its connection turns out to be stale.

        With patience, connecting is retried for that long. Afterwards every statement of the
        invocation fails at once, so that several of them wait no longer than one.
        """
        self._may_repeat = True
        self._patience_seconds = patience_seconds
        self._gave_up = False

    def take_waited_ms(self) -> float:
        """Return the milliseconds spent on the database since the last call of this method."""
        waited, self._waited_seconds = self._waited_seconds, 0.0
        return waited * 1000

    def close(self) -> None:
        """End the connection; the next statement opens another."""
        if self._connection is not None:
            self._connection.close()

    def rows_of[T](self, what: Call[T]) -> list[T]:
        """Return all rows of a query. One round trip."""
        return self._attempt(lambda connection: _execute(connection, what).fetchall())

    def run(self, query: str, parameters: Mapping[str, Any]) -> int:
        """Return how many rows a statement touched. One round trip."""
        return self._attempt(
            lambda connection: connection.execute(queries()[query].sql, parameters).rowcount
        )

    def batch(self, *calls: Call[Any]) -> list[list[Any]]:
        """Return the rows of each statement, in order. One implicit transaction, one round trip.

        Under READ COMMITTED each statement takes its own snapshot: a later statement sees a commit
        for which an earlier one waited.
        """

        def send(connection: psycopg.Connection[Any]) -> list[list[Any]]:
            with connection.pipeline():
                cursors = [_execute(connection, each) for each in calls]
            return [cursor.fetchall() for cursor in cursors]

        return self._attempt(send)

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Run several statements, all or nothing. Two more round trips, so only jobs use it."""
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
            # Without a SQLSTATE the client itself reports a broken connection, closed or not: a
            # pipeline whose server is gone "cannot exit while busy".
            stale = connection.closed or (
                isinstance(error, psycopg.OperationalError) and error.sqlstate is None
            )
            if stale:
                connection.close()
            if stale and warm and may_repeat:
                return self._on_a_connection(work)
            state = error.sqlstate or ""
            if state == READ_ONLY:
                # Another connection may find the new primary.
                connection.close()
            if state == CANCELLED:
                raise StatementCancelled from error
            if stale or state[:2] in UNAVAILABLE_CLASSES or state in UNAVAILABLE:
                raise DatabaseUnavailable from error
            if changed := CHANGED_MEANWHILE.get(state):
                raise changed from error
            if state == CHECK_VIOLATION and error.diag.constraint_name is None:
                # The partition is missing. No other row is refused by a check without a name.
                raise UsageMonthDropped from error
            if refusal := CONSTRAINTS.get(error.diag.constraint_name or ""):
                raise refusal from error
            raise

    def _connect(self) -> psycopg.Connection[Any]:
        """Return a new connection. A paused database accepts it after some seconds only, so an
        invocation with patience retries.
        """
        if self._gave_up:
            raise DatabaseUnavailable
        deadline = monotonic() + self._patience_seconds
        while True:
            try:
                self._connection = self._connect_once(max(deadline - monotonic(), 0))
            except DatabaseUnavailable:
                if monotonic() + CONNECT_PAUSE_SECONDS >= deadline:
                    self._gave_up = self._patience_seconds > 0
                    raise
                sleep(CONNECT_PAUSE_SECONDS)
            else:
                adapt(self._connection)
                return self._connection

    def _connect_once(self, patience_seconds: float) -> psycopg.Connection[Any]:
        try:
            return psycopg.connect(
                **connection_parameters(self._source),
                autocommit=True,
                # A prepared statement would pin the session of an RDS Proxy.
                prepare_threshold=None,
                # libpq takes whole seconds.
                connect_timeout=max(int(patience_seconds), CONNECT_TIMEOUT_SECONDS),
                application_name=self._application_name,
            )
        except psycopg.OperationalError as error:
            raise DatabaseUnavailable from error
        except psycopg.ProgrammingError:
            # Its message quotes the connection string with the password: it must not reach a log.
            raise BadSetting("The connection string of the database cannot be read.") from None


def _execute[T](connection: psycopg.Connection[Any], what: Call[T]) -> psycopg.Cursor[T]:
    cursor = connection.cursor(row_factory=class_row(what.model))
    return cursor.execute(queries()[what.query].sql, what.parameters)
