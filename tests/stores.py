"""Stores as their function makes them, on a connection of its login that records the queries."""

from collections.abc import Mapping
from typing import Any

from allowance.access.gate import Gate
from allowance.access.store import CallerStore, Origin
from allowance.database.database import Database as Connection
from allowance.database.queries import Call
from allowance.database.settings import DatabaseSource
from allowance.directory.importer import DirectoryStore
from allowance.rbac.policy import Subject
from allowance.rbac.system import DIRECTORY_IMPORTER, PRICE_SEEDER, Login, SystemActor
from tests.accounting import Account, caller_of
from tests.people import Acme
from tests.postgres import Database

type Method = tuple[type, str]


class WatchedConnection(Connection):
    """The real database; it records the names of the queries that run."""

    def __init__(self, database: Database, login: Login) -> None:
        super().__init__(DatabaseSource(database.url_of(login)), "test")
        self.queries_run: list[str] = []

    def rows_of(self, what: Call[Any]) -> Any:
        self.queries_run.append(what.query)
        return super().rows_of(what)

    def run(self, query: str, parameters: Mapping[str, Any]) -> int:
        self.queries_run.append(query)
        return super().run(query, parameters)

    def batch(self, *calls: Call[Any]) -> list[list[Any]]:
        self.queries_run += [each.query for each in calls]
        return super().batch(*calls)


def login_of(kind: type) -> Login:
    """The login of the function that has such a store."""
    return Login.ROUTES if issubclass(kind, CallerStore) else actor_of(kind).login


def actor_of(kind: type) -> SystemActor:
    """A system actor that has the login of the function with such a store."""
    return DIRECTORY_IMPORTER if kind is DirectoryStore else PRICE_SEEDER


def store_for(
    method: Method, account: Account, subject: Subject, database: Database, acme: Acme
) -> tuple[Any, WatchedConnection]:
    kind = account.kind or method[0]
    connection = WatchedConnection(database, login_of(kind))
    gate = Gate(subject, connection)
    if issubclass(kind, CallerStore):
        return kind(gate, acme.origin("nora"), caller_of(acme)), connection
    return kind(gate, Origin(None, actor_of(kind).name, "test")), connection
