"""SeedPrices: new, changed and withdrawn prices; twice the same book; two books at once."""

import threading
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import seed_prices
from allowance.access.gate import Gate
from allowance.access.store import Origin
from allowance.database.database import Database as Connection
from allowance.database.settings import DatabaseSource
from allowance.prices.book import BookEntry, PriceBook
from allowance.prices.seeding.source import TakenBook
from allowance.prices.seeding.store import SeedingStore
from allowance.rbac.system import PRICE_SEEDER, Login
from tests.gateway import Context
from tests.postgres import Database
from tests.price_books import (
    RATES,
    TOMORROW,
    at,
    audit,
    counts,
    input_prices_at,
    price,
    rows,
    seed,
    versions,
)
from tests.sessions import be_patient


def test_the_shipped_book_is_seeded_once_and_then_unchanged(empty_database: Database) -> None:
    be_patient(empty_database)
    first = seed_prices.handler({}, Context())
    assert first["inserted"] > 1000
    assert (first["updated"], first["unchanged"], first["withdrawn"]) == (0, 0, 0)
    again = seed_prices.handler(
        {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}, Context()
    )
    assert again == counts(unchanged=first["inserted"], held=first["held"])
    assert len(audit(empty_database)) == first["inserted"]


def test_new_prices_are_inserted_and_changed_ones_become_a_new_version(
    empty_database: Database,
) -> None:
    assert seed(price("a", input_price=10), price("b", input_price=20)) == counts(inserted=2)
    assert seed(
        price("a", input_price=10), price("b", input_price=40), price("c", output_price=3)
    ) == counts(inserted=1, updated=1, unchanged=1)
    assert rows(empty_database) == [
        ("p", "a", "default", 10, None, None, None, None),
        ("p", "b", "default", 40, None, None, None, None),
        ("p", "c", "default", None, 3, None, None, None),
    ]
    (first, second) = versions(empty_database, "b")
    assert first == ("default", None, 20, False, False), (
        "the first price of a model prices what was used before it too"
    )
    assert second[2] == 40
    assert input_prices_at(empty_database, second[1] - timedelta(microseconds=1))["b"] == 20
    assert input_prices_at(empty_database, second[1])["b"] == 40


def test_every_change_of_a_price_has_its_audit_entry(empty_database: Database) -> None:
    seed(price(input_price=10))
    seed(price(input_price=10))
    seed(price(input_price=20))
    assert audit(empty_database) == [
        ("price-seeder", "create", "p/m", None, 10),
        ("price-seeder", "update", "p/m", 10, 20),
    ]


def test_what_models_really_charge_for_is_stored_whole(empty_database: Database) -> None:
    terms = {
        "input_price": 3_000_000,
        "cache_write_1h_price": 6_000_000,
        "unit_prices": {"web_searches": 10_000_000_000, "input_image": 4_000_000},
        "tiers": [{"above_input_tokens": 200_000, "input_price": 6_000_000}],
        "variants": {
            "batch": {
                "input_price": 1_500_000,
                "tiers": [{"above_input_tokens": 200_000, "input_price": 3_000_000}],
            }
        },
    }
    assert seed(price(**terms)) == counts(inserted=1)
    assert seed(price(**terms)) == counts(unchanged=1)
    ((one_hour, units, tier, batch),) = empty_database.rows(
        "SELECT cache_write_1h_price, unit_prices, tiers #> '{0,input_price}', variants #> "
        "'{batch,tiers,0,input_price}'"
        " FROM ai_model_price_versions"
    )
    assert units == terms["unit_prices"]
    assert (one_hour, tier, batch) == (6_000_000, 6_000_000, 3_000_000)


def test_the_price_of_a_unit_moves_like_any_other(empty_database: Database) -> None:
    def searched(micros: int) -> dict[str, Any]:
        return seed(price(input_price=1, unit_prices={"web_searches": micros}))

    assert searched(10**10) == counts(inserted=1)
    assert searched(3 * 10**10) == counts(updated=1)
    assert searched(10**11) == counts(held=1)
    assert seed(price(input_price=1)) == counts(held=1)
    assert empty_database.rows("SELECT unit_prices FROM ai_model_price_versions ORDER BY id") == [
        ({"web_searches": 10**10},),
        ({"web_searches": 3 * 10**10},),
    ]


def test_what_becomes_known_beside_the_known_is_taken(empty_database: Database) -> None:
    seed(price(input_price=1_000_000, output_price=2_000_000))
    more = price(
        input_price=1_000_000,
        output_price=2_000_000,
        cache_read_price=100_000,
        variants={"batch": {"input_price": 500_000}},
    )
    assert seed(more) == counts(updated=1)


def test_custom_prices_are_left_alone(empty_database: Database) -> None:
    empty_database.run(
        "INSERT INTO ai_model_price_versions (provider, model, source, effective_from, "
        "input_price, named, origin)"
        " VALUES ('p', 'm', 'custom', '-infinity', 5, '{input_price}', 'test')"
    )
    assert seed(price(input_price=10)) == counts(inserted=1)
    assert [(row[2], row[3]) for row in rows(empty_database)] == [("custom", 5), ("default", 10)]


def test_a_model_missing_from_a_complete_book_is_withdrawn_but_priced(
    empty_database: Database,
) -> None:
    a, b = price("a", input_price=10), price("b", input_price=20)
    seed(a, b, price("b", input_price=30, effective_from=at(TOMORROW)), complete=True)
    assert seed(a) == counts(unchanged=1), "a book that is not complete withdraws nothing"
    assert seed(a, complete=True) == counts(unchanged=1, withdrawn=1)
    assert seed(a, complete=True) == counts(unchanged=1)
    assert input_prices_at(empty_database, TOMORROW) == {"a": 10, "b": 30}, (
        "what was scheduled comes all the same"
    )
    assert [row[2:] for row in versions(empty_database, "b")] == [
        (20, False, False), (30, False, False), (20, False, True), (30, False, True),
    ]  # fmt: skip
    entries = [entry[3:] for entry in audit(empty_database) if entry[1:3] == ("update", "p/b")]
    assert entries == [(20, 20), (30, 30)]
    assert seed(a, b, complete=True)["updated"] >= 1
    assert [row[4] for row in versions(empty_database, "b")][-2:] == [False, False]


def test_a_complete_book_leaves_alone_what_it_never_had(empty_database: Database) -> None:
    seed(price("ours", input_price=10))
    assert seed(price("theirs", input_price=20), complete=True) == counts(inserted=1)
    assert versions(empty_database, "ours") == [("default", None, 10, False, False)]


def test_two_at_once_do_not_collide(empty_database: Database) -> None:
    models = [f"m{n}" for n in range(500)]
    answers: list[dict[str, Any]] = []
    start = threading.Barrier(4, timeout=60)

    def run(turn: int) -> None:
        connection = Connection(DatabaseSource(empty_database.url_of(Login.JOBS)), "test")
        store = SeedingStore(
            Gate(PRICE_SEEDER.subject, connection), Origin(None, PRICE_SEEDER.name, "test")
        )
        order = models[turn * 100 :] + models[: turn * 100]
        book = PriceBook(
            prices=[
                BookEntry(provider="p", model=model, input_price=100_000 + turn) for model in order
            ]
        )
        start.wait()
        answers.append(store.seed_prices(TakenBook(book, "test")).model_dump())
        connection.close()

    threads = [threading.Thread(target=run, args=(turn,)) for turn in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(each["inserted"] for each in answers) == 500
    assert all(
        each["inserted"] + each["updated"] + each["unchanged"] + each["held"] == 500
        for each in answers
    )
    assert len({row[3] for row in rows(empty_database)}) == 1, "one book stands whole"


prices = st.integers(1_000_000, 2_900_000)
cache_reads = st.integers(400_000, 1_100_000)
books = st.dictionaries(
    st.sampled_from("abcdef"),
    st.tuples(prices, prices, cache_reads, prices, prices),
    min_size=1,
    max_size=4,
)


@given(st.lists(books, min_size=1, max_size=4))
@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_after_any_books_the_prices_are_the_last_word_on_each_model(
    empty_database: Database, series: list[dict[str, tuple[int, ...]]]
) -> None:
    empty_database.run("TRUNCATE ai_model_price_versions, ai_model_price_changes_held")
    known: dict[str, tuple[int, ...]] = {}
    for book in series:
        answer = seed(
            *(
                price(model, **dict(zip(RATES, values, strict=True)))
                for model, values in book.items()
            )
        )
        assert answer == counts(
            inserted=sum(model not in known for model in book),
            updated=sum(
                model in known and known[model] != values for model, values in book.items()
            ),
            unchanged=sum(known.get(model) == values for model, values in book.items()),
        )
        known |= book
    assert {row[1]: row[3:] for row in rows(empty_database)} == known
