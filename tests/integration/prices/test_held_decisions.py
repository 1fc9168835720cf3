"""An owner approves or rejects a held change once, and the prices follow."""

import threading
from datetime import timedelta
from uuid import UUID

import pytest

from allowance.access.gate import Gate
from allowance.database.database import Database as Connection
from allowance.database.settings import DatabaseSource
from allowance.errors import AlreadyDecided
from allowance.prices.held import HeldChangeStore
from allowance.rbac.policy import Action, Permission, ResourceType, Role, Subject
from tests.accounting import caller_of
from tests.gateway import Client
from tests.held_changes import BEFORE, HELD, PRICES, TOMORROW, decide, disputed, held
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import (
    counts,
    price,
    rows,
    seed,
    versions,
)

OWNER = Subject(
    UUID(int=1), (Role(site=(Permission(ResourceType.AI_MODEL_PRICE, Action.UPDATE),)),)
)


def test_an_approved_change_is_the_default_price_from_then_on(
    database: Database, olivia: Client
) -> None:
    dearer = BEFORE | {"input_price": 9_000_000, "unit_prices": {"web_searches": 10**10}}
    seed(BEFORE)
    seed(dearer, source="book", version="2")
    (waiting,) = held(olivia)
    assert waiting["proposed"]["unit_prices"] == dearer["unit_prices"]
    assert decide(olivia, "approve").status == 204
    assert held(olivia) == []
    assert seed(dearer) == counts(unchanged=1)
    first, second = versions(database)
    assert (first[1], second[2]) == (None, 9_000_000)
    (listed,) = olivia.get(PRICES).json()["prices"]
    assert listed["unit_prices"] == dearer["unit_prices"]
    assert listed["source"] == "default"
    assert listed["sources"] == ["book"]
    assert "approved by olivia" in listed["origin"]


def test_a_rejected_change_is_not_proposed_again_but_another_is(
    database: Database, olivia: Client
) -> None:
    seed(BEFORE)
    wrong, worse = BEFORE | {"input_price": 9_000_000}, BEFORE | {"input_price": 90_000_000}
    seed(wrong)
    assert decide(olivia, "reject").status == 204
    assert seed(wrong) == counts(unchanged=1)
    assert held(olivia) == []
    assert seed(worse) == counts(held=1)
    assert seed(wrong) == counts(unchanged=1)
    assert held(olivia) == [], "the book does not propose it any more"
    assert len(versions(database)) == 1


def test_a_decision_is_made_once(olivia: Client) -> None:
    seed(BEFORE)
    seed(BEFORE | {"input_price": 9_000_000})
    path = f"{HELD}/{held(olivia)[0]['id']}"
    assert olivia.post(f"{path}/reject").status == 204
    again = olivia.post(f"{path}/approve")
    assert (again.status, again.json()["message"]) == (409, "This change was decided already.")
    assert again.json()["detail"].startswith("It was rejected by olivia at 20")


def test_of_two_decisions_at_once_one_counts(
    database: Database, acme: Acme, olivia: Client
) -> None:
    seed(BEFORE)
    seed(BEFORE | {"input_price": 9_000_000})
    held_id = UUID(held(olivia)[0]["id"])
    start, outcomes = threading.Barrier(4, timeout=60), list[str]()

    def run(turn: int) -> None:
        connection = Connection(DatabaseSource(database.app_url, None), "test")
        store = HeldChangeStore(Gate(OWNER, connection), acme.origin("olivia"), caller_of(acme))
        start.wait()
        try:
            store.decide(held_id, "approved" if turn % 2 else "rejected")
            outcomes.append("decided")
        except AlreadyDecided:
            outcomes.append("late")
        connection.close()

    threads = [threading.Thread(target=run, args=(turn,)) for turn in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["decided", "late", "late", "late"]
    ((decision,),) = database.rows("SELECT decision FROM ai_model_price_changes_held")
    assert len(versions(database)) == (2 if decision == "approved" else 1)


def test_an_unknown_change_cannot_be_decided(olivia: Client) -> None:
    assert olivia.post(f"{HELD}/{UUID(int=5)}/approve").status == 404
    assert olivia.post(f"{HELD}/x/approve").json()["message"] == 'Invalid UUID "x".'


def test_decisions_are_in_the_audit_log(olivia: Client) -> None:
    seed(BEFORE)
    seed(BEFORE | {"input_price": 9_000_000})
    decide(olivia, "reject")
    seed(BEFORE | {"input_price": 8_000_000})
    decide(olivia, "approve")
    entries = [
        each
        for each in olivia.get("/api/v2/audit?user=me").json()["entries"]
        if "price" in each["resource_type"]
    ]
    changes = [
        (each["resource_type"], each["action"], (each["after"] or {}).get("decision"))
        for each in reversed(entries)
    ]
    assert changes == [
        ("ai_model_price_change", "update", "rejected"),
        ("ai_model_price_change", "update", "approved"),
        ("ai_model_price", "update", None),
    ]
    assert (entries[0]["before"]["input_price"], entries[0]["after"]["input_price"]) == (
        1_000_000,
        8_000_000,
    )


@pytest.mark.parametrize(("decision", "price_then"), [("approve", 12), ("reject", 10)])
def test_what_an_owner_decides_of_a_dispute_stands(
    database: Database, olivia: Client, decision: str, price_then: int
) -> None:
    seed(*disputed(10, 12))
    assert decide(olivia, decision).status == 204
    for _ in range(2):
        assert seed(*disputed(10, 12)) == counts(unchanged=1)
        assert rows(database)[0][3] == price_then
    assert held(olivia) == []


def test_a_rejection_settles_only_what_was_in_effect_then(
    database: Database, olivia: Client
) -> None:
    seed(price(input_price=1_000_000))
    seed(price(input_price=4_000_000))
    assert decide(olivia, "reject").status == 204
    assert seed(price(input_price=4_000_000)) == counts(unchanged=1)
    seed(price(input_price=2_000_000))
    seed(price(input_price=1_000_000))
    assert seed(price(input_price=4_000_000)) == counts(held=1), (
        "it is held again: prices came and went since"
    )
    assert [row[3] for row in rows(database)] == [1_000_000]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_dated_changes_may_be_approved_in_any_order(
    database: Database, olivia: Client, order: tuple[int, int]
) -> None:
    month_ago, week_ago = TOMORROW - timedelta(days=30), TOMORROW - timedelta(days=7)
    seed(price(input_price=1_000_000))
    seed(
        price(input_price=1_000_000),
        price(input_price=4_000_000, effective_from=month_ago.isoformat()),
        price(input_price=6_000_000, effective_from=week_ago.isoformat()),
    )
    waiting = {each["proposed"]["input_price"]: each["id"] for each in held(olivia)}
    for number in order:
        assert (
            olivia.post(f"{HELD}/{waiting[(4_000_000, 6_000_000)[number]]}/approve").status == 204
        )
    for moment, expected in ((month_ago, 4_000_000), (week_ago, 6_000_000), ("now", 6_000_000)):
        assert database.rows(
            "SELECT input_price FROM ai_model_prices_at(%s::timestamptz)", str(moment)
        ) == [(expected,)]
    prices = database.rows(
        "SELECT before -> 'input_price' FROM audit_log WHERE resource_type = 'ai_model_price'"
        " AND after -> 'input_price' = '4000000'"
    )
    assert prices == [(1_000_000,)], "what was in effect then"


def test_an_approved_past_price_keeps_what_its_book_applied_after_it(
    database: Database, olivia: Client
) -> None:
    seed(price(input_price=1_000_000))
    month_ago, week_ago = TOMORROW - timedelta(days=30), TOMORROW - timedelta(days=7)
    seed(
        price(input_price=4_000_000, effective_from=month_ago.isoformat()),
        price(input_price=2_000_000, effective_from=week_ago.isoformat()),
    )
    assert decide(olivia, "approve").status == 204
    assert [row[3] for row in rows(database)] == [2_000_000]
