"""Custom prices and the audit log: each change has an entry with before and after."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

from allowance.access.gate import Gate
from allowance.database.database import Database as Connection
from allowance.database.settings import DatabaseSource
from allowance.errors import PriceNotFound
from allowance.prices.custom import CustomPriceStore
from allowance.prices.custom_models import CustomPrices
from allowance.rbac.policy import Permission, Role, Subject
from tests.accounting import caller_of
from tests.gateway import Client
from tests.model_prices import PRICES, confirmed, url_time
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, versions


def test_every_change_has_its_audit_entry_with_before_and_after(
    olivia: Client, database: Database
) -> None:
    olivia.post(PRICES, confirmed([price(input_price=5)]))
    olivia.post(PRICES, confirmed([price(input_price=5)]))
    answer = olivia.post(PRICES, confirmed([price(input_price=6), price("n", input_price=1)]))
    olivia.delete(f"{PRICES}/p/m")
    entries = [
        each
        for each in olivia.get("/api/v2/audit").json()["entries"]
        if each["resource_type"] == "ai_model_price"
    ]
    changes = [
        (each["action"], each["resource_id"], each["before"] and each["before"]["input_price"],
         each["after"] and each["after"]["input_price"])
        for each in reversed(entries)
    ]  # fmt: skip
    assert changes == [
        ("create", "p/m", None, 5),
        ("update", "p/m", 5, 6),
        ("create", "p/n", None, 1),
        ("delete", "p/m", 5, None),
        ("delete", "p/m", 6, None),
    ]
    assert {each["actor"]["username"] for each in entries} == {"olivia"}
    assert entries[2]["request_id"] == answer.headers["X-Request-Id"]
    assert len(versions(database)) == 4, "the same price again is no new version"


def test_a_deletion_logs_each_price_that_it_ends(olivia: Client, database: Database) -> None:
    soon, later = (
        url_time(datetime.now(UTC).replace(microsecond=0) + timedelta(days=days))
        for days in (10, 20)
    )
    prices = [
        price(input_price=n, effective_from=start)
        for n, start in ((1, None), (2, soon), (3, later))
    ]
    olivia.post(PRICES, confirmed(prices))
    assert olivia.delete(f"{PRICES}/p/m").status == 204
    entries = database.rows(
        "SELECT before -> 'input_price', (before ->> 'effective_from')::timestamptz FROM audit_log"
        " WHERE resource_type = 'ai_model_price' AND action = 'delete' ORDER BY id"
    )
    assert entries == [
        (1, None),
        (2, datetime.fromisoformat(soon)),
        (3, datetime.fromisoformat(later)),
    ]


def at_once(
    database: Database, acme: Acme, sends: list[Callable[[CustomPriceStore], object]]
) -> list[object]:
    """Run each on a connection of its own, and return what they return, or the error's type."""
    start = threading.Barrier(len(sends), timeout=60)
    owner = Subject(None, (Role(site=(Permission("*", "*"),)),))

    def run(send: Callable[[CustomPriceStore], object]) -> object:
        with closing(Connection(DatabaseSource(database.app_url, None), "test")) as connection:
            store = CustomPriceStore(
                Gate(owner, connection), acme.origin("olivia"), caller_of(acme)
            )
            start.wait()
            try:
                return send(store)
            except PriceNotFound as error:
                return type(error)

    with ThreadPoolExecutor(len(sends)) as pool:
        return list(pool.map(run, sends))


def body(input_price: int, **dated: Any) -> CustomPrices:
    stated = price(input_price=input_price, confirm=True) | dated
    return CustomPrices.model_validate({"prices": [stated]})


def test_under_concurrent_writes_each_before_is_the_previous_after(
    database: Database, acme: Acme
) -> None:
    def writes(turn: int) -> Callable[[CustomPriceStore], object]:
        return lambda store: [store.set_prices(body(10 * n + turn)) for n in range(8)]

    at_once(database, acme, [writes(turn) for turn in range(4)])
    found = database.rows(
        "SELECT before -> 'input_price', after -> 'input_price' FROM audit_log WHERE resource_id "
        "= 'p/m' ORDER BY id"
    )
    assert len(found) == 32
    assert found[0][0] is None
    assert [after for _, after in found[:-1]] == [before for before, _ in found[1:]]


def test_two_at_once_do_not_double(database: Database, acme: Acme) -> None:
    stated = body(4_000_000, effective_from="2026-11-20T09:00:00Z")
    at_once(database, acme, [lambda store: store.set_prices(stated)] * 2)
    assert len(versions(database)) == 1
    ended = at_once(database, acme, [lambda store: store.remove_price("p", "m", None)] * 2)
    assert set(ended) == {None, PriceNotFound}
    assert len(versions(database)) == 2
