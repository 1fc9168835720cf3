"""What nobody should take unseen is held: listed, logged, approved or rejected, once, by an owner."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

import seed_prices
from allowance.access.gate import Gate
from allowance.access.store import Origin
from allowance.database.database import Database as Connection
from allowance.database.settings import DatabaseSource
from allowance.errors import AlreadyDecided
from allowance.prices.held import HeldChangeStore
from allowance.rbac.policy import Action, Permission, ResourceType, Role, Subject
from tests.gateway import Answer, Client, Context
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import UNITS, counts, in_units, many, price, rows, seed, versions

PRICES = "/api/v2/ai/model-prices"
HELD = f"{PRICES}/held"
TOMORROW = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)

OWNER = Subject(
    UUID(int=1), (Role(site=(Permission(ResourceType.AI_MODEL_PRICE, Action.UPDATE),)),)
)
BEFORE = price(
    input_price=1_000_000, output_price=2_000_000, variants={"batch": {"input_price": 500_000}}
)


@pytest.fixture
def olivia(acme: Acme) -> Client:
    return acme.client("olivia")


def held(client: Client) -> list[dict[str, Any]]:
    return client.get(HELD).json()["held"]


def decide(client: Client, decision: str, number: int = 0) -> Answer:
    return client.post(f"{HELD}/{held(client)[number]['id']}/{decision}")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"input_price": 3_000_001}, "input_price: moves by more than a factor of 3 from 1000000 to 3000001"),
        ({"output_price": 600_000}, "output_price: moves by more than a factor of 3 from 2000000 to 600000"),
        ({"input_price": 0}, "input_price: falls to zero from 1000000 to 0"),
        ({"output_price": None}, "output_price: becomes unknown from 2000000 to None"),
        ({"variants": {}}, "variants.batch.input_price: becomes unknown from 500000 to None"),
        ({"variants": {"batch": {"input_price": 5_000_000}}},
         "variants.batch.input_price: moves by more than a factor of 3 from 500000 to 5000000"),
        ({"tiers": [{"above_input_tokens": 200_000, "input_price": 30_000_000, "output_price": 2_000_000}]},
         "tiers[200000].input_price: moves by more than a factor of 10 from 1000000 to 30000000"),
        ({"tiers": [{"above_input_tokens": 200_000, "input_price": 2_000_000}]},
         "tiers[200000].output_price: becomes unknown from 2000000 to None"),
    ],
)  # fmt: skip
def test_a_change_that_may_be_wrong_is_held_and_says_why(
    database: Database, olivia: Client, change: dict[str, Any], reason: str
) -> None:
    seed(BEFORE)
    before = rows(database)
    assert seed(BEFORE | change) == counts(held=1)
    assert rows(database) == before
    (waiting,) = held(olivia)
    assert waiting["reasons"] == [reason]
    assert (waiting["before"]["input_price"], waiting["provider"], waiting["model"]) == (
        1_000_000,
        "p",
        "m",
    )
    assert waiting["effective_from"] is None


def test_a_rise_from_zero_is_held(database: Database, olivia: Client) -> None:
    seed(price(input_price=0))
    assert seed(price(input_price=1)) == counts(held=1)


@pytest.mark.parametrize(
    "change", [{"input_price": 3_000_000}, {"output_price": 666_667}, {"cache_read_price": 0}]
)
def test_a_change_within_bounds_is_applied(database: Database, change: dict[str, Any]) -> None:
    seed(BEFORE)
    assert seed(BEFORE | change) == counts(updated=1)


def test_a_scheduled_change_is_judged_like_a_present_one(
    database: Database, olivia: Client
) -> None:
    dated = BEFORE | {"effective_from": TOMORROW.isoformat(), "input_price": 10_000_000}
    assert seed(BEFORE, dated) == counts(inserted=1, held=1), (
        "a new model's too, against its own entry before"
    )
    assert datetime.fromisoformat(held(olivia)[0]["effective_from"]) == TOMORROW
    assert decide(olivia, "approve").status == 204
    assert [row[2] for row in versions(database)] == [1_000_000, 10_000_000]
    assert rows(database)[0][3] == 1_000_000, "from its time on, not before"
    assert seed(BEFORE, dated) == counts(unchanged=2)


def test_an_approved_change_is_the_default_price_from_then_on(
    database: Database, olivia: Client
) -> None:
    seed(BEFORE)
    seed(BEFORE | {"input_price": 9_000_000}, source="book", version="2")
    assert decide(olivia, "approve").status == 204
    assert held(olivia) == []
    assert seed(BEFORE | {"input_price": 9_000_000}) == counts(unchanged=1)
    first, second = versions(database)
    assert (first[1], second[2]) == (None, 9_000_000)
    (told,) = olivia.get(PRICES).json()["prices"]
    assert told["source"] == "default"
    assert told["sources"] == ["book"]
    assert "approved by olivia" in told["origin"]


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


def test_the_same_proposal_is_held_once_and_a_later_one_takes_its_place(
    database: Database, olivia: Client
) -> None:
    seed(BEFORE)
    for _ in range(3):
        assert seed(BEFORE | {"input_price": 9_000_000}) == counts(held=1)
    (first,) = held(olivia)
    seed(BEFORE | {"input_price": 8_000_000})
    (second,) = held(olivia)
    assert second["proposed"]["input_price"] == 8_000_000
    late = olivia.post(f"{HELD}/{first['id']}/approve")
    assert late.status == 409
    assert late.json()["detail"].startswith("It was superseded by price-seeder at ")
    assert seed(BEFORE) == counts(unchanged=1)
    assert held(olivia) == [], "the book says again what is in effect"


def test_a_book_about_other_models_leaves_what_waits_alone(
    database: Database, olivia: Client
) -> None:
    seed(BEFORE)
    seed(BEFORE | {"input_price": 9_000_000})
    seed(price("other", input_price=5))
    assert len(held(olivia)) == 1


def test_a_decision_is_made_once(olivia: Client) -> None:
    seed(BEFORE)
    seed(BEFORE | {"input_price": 9_000_000})
    path = f"{HELD}/{held(olivia)[0]['id']}"
    assert olivia.post(f"{path}/reject").status == 204
    again = olivia.post(f"{path}/approve")
    assert (again.status, again.json()["message"]) == (409, "This change was decided already.")
    assert again.json()["detail"].startswith("It was rejected by olivia at 20")


def test_of_two_decisions_at_once_one_counts(database: Database, olivia: Client) -> None:
    seed(BEFORE)
    seed(BEFORE | {"input_price": 9_000_000})
    held_id = UUID(held(olivia)[0]["id"])
    start, outcomes = threading.Barrier(4), list[str]()

    def run(turn: int) -> None:
        connection = Connection(DatabaseSource(database.app_url, None), "test")
        store = HeldChangeStore(
            Gate(OWNER, connection), Origin(None, f"owner-{turn}", "test"), None
        )  # type: ignore[arg-type]
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
    told = [
        (each["resource_type"], each["action"], (each["after"] or {}).get("decision"))
        for each in reversed(entries)
    ]
    assert told == [
        ("ai_model_price_change", "update", "rejected"),
        ("ai_model_price_change", "update", "approved"),
        ("ai_model_price", "update", None),
    ]
    assert (entries[0]["before"]["input_price"], entries[0]["after"]["input_price"]) == (
        1_000_000,
        8_000_000,
    )


def test_held_changes_come_page_by_page(olivia: Client) -> None:
    names = [f"m{n}" for n in range(4)]
    seed(*(price(name, input_price=1_000_000) for name in names))
    seed(*(price(name, input_price=9_000_000) for name in names))
    page = olivia.get(f"{HELD}?limit=3").json()
    rest = olivia.get(f"{HELD}?limit=3&after={page['next']}").json()
    assert [each["model"] for each in (*page["held"], *rest["held"])] == names
    assert rest["next"] is None
    assert [each["model"] for each in olivia.get(f"{HELD}?model=m2").json()["held"]] == ["m2"]
    assert olivia.get(f"{HELD}?after=x").status == 400


# Sources that disagree.


def disputed(says: int, alternative: int) -> list[dict[str, Any]]:
    dispute = {
        "reason": "models-dev says otherwise",
        "by_source": {"models-dev": {"input_price": alternative}},
    }
    return [
        price(input_price=says, sources=["genai-prices"]),
        price(input_price=alternative, sources=["models-dev"], held=dispute),
    ]


def test_of_a_new_model_one_sources_price_counts_and_the_others_waits(
    database: Database, olivia: Client
) -> None:
    assert seed(*disputed(10, 12)) == counts(inserted=1, held=1)
    assert seed(*disputed(10, 12)) == counts(unchanged=1, held=1)
    (waiting,) = held(olivia)
    assert (waiting["before"]["input_price"], waiting["proposed"]["input_price"]) == (10, 12)
    assert (waiting["reasons"], waiting["by_source"]) == (
        ["models-dev says otherwise"],
        {"models-dev": {"input_price": 12}},
    )
    assert waiting["sources"] == ["models-dev"]


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


def test_a_known_price_does_not_move_while_its_sources_disagree(
    database: Database, olivia: Client
) -> None:
    seed(price(input_price=10))
    assert seed(*disputed(11, 10)) == counts(held=1)
    assert rows(database)[0][3] == 10
    assert held(olivia)[0]["reasons"] == ["the sources of this price disagree"]
    assert seed(price(input_price=11, sources=["genai-prices", "models-dev"])) == counts(held=1)
    assert decide(olivia, "approve").status == 204
    assert rows(database)[0][3] == 11


# A whole book.


@pytest.mark.parametrize("unit", UNITS)
def test_a_book_in_other_units_changes_no_price(
    database: Database, olivia: Client, unit: str
) -> None:
    seed(*many(50))
    before = rows(database)
    answer = seed(*in_units(many(50), unit), price("newcomer", input_price=500_000), complete=True)
    assert answer == counts(held=51)
    assert rows(database) == before
    assert len(held(olivia)) == 51


def test_a_first_book_that_makes_most_models_free_prices_nothing(empty_database: Database) -> None:
    assert seed(*many(40)[:15], *(each | {"input_price": 0} for each in many(40)[15:])) == counts(
        held=40
    )


@pytest.mark.parametrize("unit", UNITS)
def test_a_first_book_in_other_units_prices_nothing(empty_database: Database, unit: str) -> None:
    assert seed(*in_units(many(50), unit))["inserted"] == 0
    assert rows(empty_database) == []


def test_a_first_book_in_the_right_units_is_taken(empty_database: Database) -> None:
    assert seed(*many(50)) == counts(inserted=50)


def test_many_small_moves_at_once_are_held_together(database: Database) -> None:
    seed(*many(50))
    moved, rest = many(50)[:10], many(50)[10:]
    changed = [*(each | {"input_price": each["input_price"] + 1} for each in moved), *rest]
    assert seed(*changed) == counts(updated=10, unchanged=40), "a fifth of the book may move"
    more = [each | {"output_price": each["output_price"] + 1} for each in changed[:11]]
    assert seed(*more, *changed[11:]) == counts(held=11, unchanged=39)
    assert seed(*more, *changed[11:]) == counts(held=11, unchanged=39)


def test_what_becomes_known_of_many_models_at_once_is_no_move(database: Database) -> None:
    seed(*many(50))
    assert seed(
        *(each | {"cache_write_1h_price": 2 * each["input_price"]} for each in many(50))
    ) == counts(updated=50)


@pytest.mark.parametrize("amount", [999, 1_000_000_001])
def test_a_new_model_at_no_plausible_price_is_held(
    database: Database, olivia: Client, amount: int
) -> None:
    seed(*many(30))
    assert seed(price("new", input_price=amount)) == counts(held=1)
    assert held(olivia)[0]["reasons"] == [f"input_price: {amount} is no plausible price"]
    assert held(olivia)[0]["before"] is None
    assert seed(price("new:free", input_price=0)) == counts(inserted=1)
    assert decide(olivia, "approve").status == 204
    assert versions(database, "new") == [("default", None, amount, False, False)]


def test_a_seeding_is_one_line_of_the_log_with_counts_and_reasons_and_has_metrics(
    empty_database: Database,
    logged: Callable[[], list[dict[str, Any]]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    seed(price("a", input_price=1_000_000), price("b", input_price=1_000_000))
    seed(price("a", input_price=9_000_000), price("b", input_price=0), source="book", version="7")
    _, line = [each for each in logged() if each["message"] == "price book"]
    assert (line["held"], line["title"], line["taken_from"]) == (2, "book 7", "an event")
    assert line["reasons"] == {"moves by more than a factor of n": 1, "falls to zero": 1}
    metrics = [
        json.loads(each)
        for each in capsys.readouterr().out.splitlines()
        if "HeldPriceChanges" in each
    ][-1]
    told = (
        metrics["HeldPriceChanges"],
        metrics["NewlyHeldPriceChanges"],
        metrics["PriceBookFallbacks"],
    )
    assert told == ([2.0], [2.0], [0.0])
    assert json.dumps(line).count("9000000") == 0


def test_the_shipped_book_in_other_units_changes_no_price_of_the_shipped_book(
    empty_database: Database,
) -> None:
    first = seed_prices.handler({}, Context())
    document = json.loads(seed_prices.SHIPPED.read_text())
    before = rows(empty_database)
    for unit in UNITS:
        entries = in_units([each for each in document["prices"] if "held" not in each], unit)
        plain = [
            {key: value for key, value in each.items() if key not in ("tiers", "variants")}
            for each in entries
        ]
        answer = seed(*plain)
        assert (answer["inserted"], answer["updated"]) == (0, 0)
    assert rows(empty_database) == before
    assert first["inserted"] > 1000


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
        "it is asked again: prices came and went since"
    )
    assert [row[3] for row in rows(database)] == [1_000_000]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_dated_changes_may_be_approved_in_any_order(
    database: Database, olivia: Client, order: tuple[int, int]
) -> None:
    month_ago, week_ago = TOMORROW - timedelta(days=30), TOMORROW - timedelta(days=7)
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
    told = database.rows(
        "SELECT before -> 'input_price' FROM audit_log WHERE resource_type = 'ai_model_price'"
        " AND after -> 'input_price' = '4000000'"
    )
    assert told == [(1_000_000,)], "what was in effect then"


def test_an_approved_past_price_leaves_alone_what_its_own_book_applied_after_it(
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
