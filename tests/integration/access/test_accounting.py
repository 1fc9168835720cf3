"""Each public method of a store runs only for a caller who may do what its account says. Each query
of a store runs in one of these methods.

Stores and queries are found, not listed.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from typing import Any, get_type_hints

import pytest

import allowance
from allowance.access.gate import Gate
from allowance.access.store import CallerStore, Origin, Store
from allowance.database.database import Database as Connection
from allowance.database.queries import Call, queries
from allowance.database.settings import DatabaseSource
from allowance.directory.importer import DirectoryStore
from allowance.errors import Forbidden, NotAuthorized, NotFound
from allowance.rbac.policy import NO_SECRET, Object, ResourceType, Subject
from allowance.rbac.system import Login
from tests.accounting import HELD, Account, caller_of, needed
from tests.accounts import ACCOUNTS
from tests.people import Acme
from tests.postgres import Database
from tests.subjects import all_but_the_action, all_but_the_object, exactly

ORIGIN = Origin(None, "test", "test")

type Method = tuple[type, str]

MODULES = [
    importlib.import_module(each.name)
    for each in pkgutil.walk_packages(allowance.__path__, "allowance.")
]


def classes() -> set[type]:
    return {
        each
        for module in MODULES
        for each in vars(module).values()
        if inspect.isclass(each) and each.__module__.startswith("allowance.")
    }


def methods() -> set[Method]:
    """The public methods that each store defines. The empty `see_path` needs nothing."""
    return {
        (store, name)
        for store in classes()
        if issubclass(store, Store)
        for name, value in vars(store).items()
        if inspect.isfunction(value) and not name.startswith("_")
    } - {(CallerStore, "see_path")}


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
    if issubclass(kind, CallerStore):
        return Login.ROUTES
    return Login.DIRECTORY if kind is DirectoryStore else Login.JOBS


def store_for(
    method: Method, account: Account, subject: Subject, database: Database, acme: Acme
) -> tuple[Any, WatchedConnection]:
    kind = account.kind or method[0]
    connection = WatchedConnection(database, login_of(kind))
    gate = Gate(subject, connection)
    if issubclass(kind, CallerStore):
        return kind(gate, ORIGIN, caller_of(acme)), connection
    return kind(gate, ORIGIN), connection


@pytest.fixture
def something_of_each(database: Database, acme: Acme) -> Database:
    """A database in which every method finds something to do."""
    for statement in (
        "INSERT INTO group_ai_budgets SELECT id, 1 FROM groups",
        "INSERT INTO ai_model_price_versions (provider, model, source, effective_from, "
        "input_price, origin)"
        " VALUES ('p', 'priced', 'custom', '-infinity', 1, 'test')",
        "INSERT INTO ai_model_price_changes_held (id, provider, model, proposed, reasons, origin)"
        f" VALUES ('{HELD}', 'p', 'm', '{{\"input_price\": 1}}', '{{}}', 'test')",
    ):
        database.run(statement)
    database.run(
        "INSERT INTO user_ai_budget_overrides (user_id, group_id, organization_id, "
        "spend_limit_micros)"
        " SELECT %s, id, organization_id, 1 FROM groups WHERE id = %s",
        acme.users["maya"],
        acme.groups["acme/platform"],
    )
    database.run(
        "INSERT INTO ai_spend_alerts (user_id, period_start, threshold_percent, group_id, "
        "organization_id,"
        " limit_source, spend_limit_micros, spent_micros)"
        " SELECT %s, '2026-11-01', 85, id, organization_id, 'group', 1, 1 FROM groups WHERE id = "
        "%s",
        acme.users["maya"],
        acme.groups["acme/platform"],
    )
    # A usage without a price, which RerateUsage reads and rates.
    usage, account = next(
        (method, each) for method, each in ACCOUNTS.items() if method[1] == "record"
    )
    store, connection = store_for(
        usage, account, exactly([needed("create ai_usage", acme)]), database, acme
    )
    account.run(store, acme)
    connection.close()
    database.run(
        "INSERT INTO ai_model_price_versions (provider, model, source, effective_from, "
        "input_price, origin)"
        " VALUES ('p', 'm', 'default', '-infinity', 1000000, 'test')"
    )
    return database


def test_every_public_method_of_every_store_has_its_account() -> None:
    assert ACCOUNTS.keys() == methods()


def test_only_a_store_takes_a_gate() -> None:
    for each in classes():
        made = vars(each).get("__init__")
        if inspect.isfunction(made) and Gate in get_type_hints(made).values():
            assert issubclass(each, Store), each


@pytest.mark.parametrize("method", ACCOUNTS, ids=lambda m: f"{m[0].__name__}.{m[1]}")
def test_it_runs_for_a_caller_who_may_do_exactly_that(
    something_of_each: Database, acme: Acme, method: Method
) -> None:
    account = ACCOUNTS[method]
    needs = [needed(each, acme) for each in (*account.needs, *account.then)]
    store, connection = store_for(method, account, exactly(needs), something_of_each, acme)
    account.run(store, acme)
    connection.close()


@pytest.mark.parametrize("method", ACCOUNTS, ids=lambda m: f"{m[0].__name__}.{m[1]}")
def test_it_is_refused_to_a_caller_who_may_do_everything_else(
    populated: tuple[Database, Acme], method: Method
) -> None:
    # No query runs, so this needs no database of its own.
    database, acme = populated
    account = ACCOUNTS[method]
    for each in account.needs:
        action, obj = needed(each, acme)
        subjects = [all_but_the_action(action, obj)]
        if obj.id is not None:
            subjects.append(all_but_the_object(obj))
        for subject in subjects:
            refuse(method, account, obj, subject, database, acme)


def refuse(
    method: Method, account: Account, obj: Object, subject: Subject, database: Database, acme: Acme
) -> None:
    """The method returns nothing, or raises, without a query."""
    store, connection = store_for(method, account, subject, database, acme)
    may_return = account.refused is not None and obj.type is not ResourceType.GROUP
    if may_return:
        assert account.refused(account.run(store, acme))
    else:
        # A refusal looks like an absence, but for objects that everybody knows of.
        error = Forbidden if obj.type in NO_SECRET else NotAuthorized
        with pytest.raises(error):
            account.run(store, acme)
    assert connection.queries_run == []


@pytest.mark.parametrize(
    "method",
    [each for each, account in ACCOUNTS.items() if account.then],
    ids=lambda m: f"{m[0].__name__}.{m[1]}",
)
def test_what_it_needs_next_is_needed_too(
    something_of_each: Database, acme: Acme, method: Method
) -> None:
    account = ACCOUNTS[method]
    limits = "SELECT user_id, group_id, spend_limit_micros FROM user_ai_budget_overrides"
    before = something_of_each.rows(limits)
    for each in account.then:
        action, obj = needed(each, acme)
        for subject in (all_but_the_action(action, obj), all_but_the_object(obj)):
            store, connection = store_for(method, account, subject, something_of_each, acme)
            with pytest.raises(NotAuthorized):
                account.run(store, acme)
            assert len(connection.queries_run) == 1
            connection.close()
    assert something_of_each.rows(limits) == before


def test_every_query_of_a_store_runs_in_one_of_them(
    something_of_each: Database, acme: Acme
) -> None:
    ran: set[str] = set()
    for method, account in ACCOUNTS.items():
        needs = [needed(each, acme) for each in (*account.needs, *account.then)]
        store, connection = store_for(method, account, exactly(needs), something_of_each, acme)
        account.run(store, acme)
        connection.close()
        ran.update(connection.queries_run)
    assert ran == {name for name, query in queries().items() if query.needs}


def test_only_what_is_no_secret_is_refused_openly() -> None:
    assert {ResourceType.AI_MODEL_PRICE, ResourceType.DIRECTORY} == NO_SECRET
    assert not issubclass(Forbidden, NotFound)
