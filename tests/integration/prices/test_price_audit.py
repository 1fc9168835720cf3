"""Custom prices and the audit log: each change has an entry with before and after."""

import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from allowance.access.gate import Gate
from allowance.database.database import Database as Connection
from allowance.database.settings import DatabaseSource
from allowance.errors import PriceNotFound
from allowance.prices.book import CustomPrices, ModelPrice
from allowance.prices.store import ModelPriceStore
from allowance.rbac.policy import Permission, Role, Subject
from tests.accounting import caller_of
from tests.gateway import Client
from tests.model_prices import PRICES, url_time
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, versions


def test_every_change_has_its_audit_entry_with_before_and_after(
    olivia: Client, database: Database
) -> None:
    olivia.post(PRICES, {"prices": [price(input_price=5)]})
    olivia.post(PRICES, {"prices": [price(input_price=5)]})
    answer = olivia.post(PRICES, {"prices": [price(input_price=6), price("n", input_price=1)]})
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
        ("delete", "p/m", 6, None),
    ]
    assert {each["actor"]["username"] for each in entries} == {"olivia"}
    assert entries[1]["request_id"] == answer.headers["X-Request-Id"]
    assert len(versions(database)) == 3, "the same price again is no new version"


def test_a_deletion_logs_each_price_that_it_ends(olivia: Client, database: Database) -> None:
    soon, later = (
        url_time(datetime.now(UTC).replace(microsecond=0) + timedelta(days=days))
        for days in (10, 20)
    )
    prices = [
        price(input_price=n, effective_from=start)
        for n, start in ((1, None), (2, soon), (3, later))
    ]
    olivia.post(PRICES, {"prices": prices})
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


def test_under_concurrent_writes_each_before_is_the_previous_after(
    database: Database, acme: Acme
) -> None:
    start, owner = (
        threading.Barrier(4, timeout=60),
        Subject(None, (Role(site=(Permission("*", "*"),)),)),
    )

    def run(turn: int) -> None:
        connection = Connection(DatabaseSource(database.app_url, None), "test")
        store = ModelPriceStore(Gate(owner, connection), acme.origin("olivia"), caller_of(acme))
        start.wait()
        for n in range(8):
            if turn == 3:
                with suppress(PriceNotFound):
                    store.remove_price("p", "m")
            else:
                store.set_prices(
                    CustomPrices(
                        prices=[ModelPrice(provider="p", model="m", input_price=10 * n + turn)]
                    )
                )
        connection.close()

    threads = [threading.Thread(target=run, args=(turn,)) for turn in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = database.rows(
        "SELECT before -> 'input_price', after -> 'input_price' FROM audit_log WHERE resource_id "
        "= 'p/m' ORDER BY id"
    )
    assert len(entries) > 20
    assert entries[0][0] is None
    assert [after for _, after in entries[:-1]] == [before for before, _ in entries[1:]]
