"""Each public method of a store runs only for a caller who may do what its account says. Each query
of a store runs in one of these methods.

Stores and queries are found, not listed.
"""

import importlib
import inspect
import pkgutil
from typing import get_type_hints

import pytest

import allowance
from allowance.access.gate import Gate
from allowance.access.store import CallerStore, Store
from allowance.database.queries import queries
from allowance.errors import Forbidden, NotAuthorized, NotFound
from allowance.rbac.policy import NO_SECRET, Object, ResourceType, Subject
from tests.accounting import Account, needed
from tests.accounts import ACCOUNTS
from tests.people import Acme
from tests.postgres import Database
from tests.stores import Method, store_for
from tests.subjects import all_but_the_action, all_but_the_object, exactly

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
    """The public methods that each store defines. `know` and the empty `see_path` need nothing."""
    return {
        (store, name)
        for store in classes()
        if issubclass(store, Store)
        for name, value in vars(store).items()
        if inspect.isfunction(value) and not name.startswith("_")
    } - {(CallerStore, "see_path"), (CallerStore, "know")}


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
    for enough in [[each] for each in needs] if account.either else [needs]:
        store, connection = store_for(method, account, exactly(enough), something_of_each, acme)
        account.run(store, acme)
        connection.close()


@pytest.mark.parametrize("method", ACCOUNTS, ids=lambda m: f"{m[0].__name__}.{m[1]}")
def test_it_is_refused_to_a_caller_who_may_do_everything_else(
    populated: tuple[Database, Acme], method: Method
) -> None:
    # No query runs, so this needs no database of its own.
    database, acme = populated
    account = ACCOUNTS[method]
    needs = [needed(each, acme) for each in account.needs]
    if account.either:
        action, obj = needs[0]
        nothing = all_but_the_action(action, *(each for _, each in needs))
        refuse(method, account, obj, nothing, database, acme)
        return
    for action, obj in needs:
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
    needs_more = len(account.needs) > 1
    may_return = account.refused is not None and not (obj.type is ResourceType.GROUP and needs_more)
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
