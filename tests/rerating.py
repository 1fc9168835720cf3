"""Runs of RerateUsage on connections that tests watch or interrupt, and a clock for its budget."""

from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

from allowance.access.gate import Gate
from allowance.access.store import Origin
from allowance.database.database import Database as Connection
from allowance.database.queries import Call
from allowance.database.settings import DatabaseSource
from allowance.rbac.system import USAGE_RERATER, Login
from allowance.usage.rerating import RerateCounts, UsageRerater
from tests.postgres import Database

IDLE = [
    "get_usage_rating",
    "take_rating_pass",
    "list_days_to_roll_up",
    "count_rating_passes",
]
"""The queries of a run that has nothing to do."""

RULES_OF_BEFORE = "UPDATE ai_usage_rating SET rules = 'of an earlier deployment'"


class Watched(Connection):
    """The real database. It keeps the names of the queries, and calls `before` with each."""

    def __init__(self, database: Database, before: Callable[[str], object]) -> None:
        super().__init__(DatabaseSource(database.url_of(Login.JOBS)), "test")
        self.queries_run: list[str] = []
        self._before = before

    def rows_of[T](self, what: Call[T]) -> list[T]:
        self._see(what.query)
        return super().rows_of(what)

    def run(self, query: str, parameters: Mapping[str, Any]) -> int:
        self._see(query)
        return super().run(query, parameters)

    def batch(self, *calls: Call[Any]) -> list[list[Any]]:
        for each in calls:
            self._see(each.query)
        return super().batch(*calls)

    def _see(self, query: str) -> None:
        self.queries_run.append(query)
        self._before(query)


def rerate_on(connection: Connection) -> RerateCounts:
    """A run of the job on a connection of its own."""
    return UsageRerater(
        Gate(USAGE_RERATER.subject, connection), Origin(None, "test", "test")
    ).rerate()


def queries_of_a_run(
    database: Database, before: Callable[[str], object] = lambda _: None
) -> list[str]:
    """The names of the queries of a run."""
    with closing(Watched(database, before)) as connection:
        rerate_on(connection)
        return connection.queries_run


class SteppingClock:
    """A clock that moves by some seconds whenever somebody looks."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._now = seconds, 0.0

    def monotonic(self) -> float:
        self._now += self._seconds
        return self._now
