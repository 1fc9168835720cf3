"""SeedPrices: new rows, changed rows, custom rows, twice, two at once, and books that are refused whole."""

import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import seed_prices
from allowance.database import Database as Connection
from allowance.errors import ValidationFailed
from allowance.gate import Gate
from allowance.price_book import ModelPrice, PriceBook
from allowance.price_store import PriceStore
from allowance.rbac.system import PRICE_SEEDER
from allowance.settings import DatabaseSource
from allowance.store import Origin
from tests.gateway import Context
from tests.postgres import Database

COLUMNS = "provider, model, source, input_price, output_price, cache_read_price, cache_write_price"


def seed(*prices: dict[str, Any], **more: Any) -> dict[str, int]:
    return seed_prices.handler({"prices": list(prices), **more}, Context())


def price(model: str = "m", **prices: Any) -> dict[str, Any]:
    return {"provider": "p", "model": model} | prices


def rows(database: Database) -> list[tuple[Any, ...]]:
    return database.rows(f"SELECT {COLUMNS} FROM ai_model_prices ORDER BY provider, model, source")


def test_the_shipped_book_is_seeded_once_and_then_unchanged(empty_database: Database) -> None:
    first = seed_prices.handler({}, Context())
    assert first["inserted"] > 1000
    assert (first["updated"], first["unchanged"]) == (0, 0)
    again = seed_prices.handler({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}, Context())
    assert again == {"inserted": 0, "updated": 0, "unchanged": first["inserted"]}
    assert len(rows(empty_database)) == first["inserted"]


def test_new_rows_are_inserted_and_changed_ones_updated(empty_database: Database) -> None:
    assert seed(price("a", input_price=1), price("b", input_price=2)) == {"inserted": 2, "updated": 0, "unchanged": 0}
    times = dict(empty_database.rows("SELECT model, updated_at FROM ai_model_prices"))
    counts = seed(price("a", input_price=1), price("b", input_price=0), price("c", output_price=3))
    assert counts == {"inserted": 1, "updated": 1, "unchanged": 1}
    assert rows(empty_database) == [
        ("p", "a", "default", 1, None, None, None),
        ("p", "b", "default", 0, None, None, None),
        ("p", "c", "default", None, 3, None, None),
    ]
    now = dict(empty_database.rows("SELECT model, updated_at FROM ai_model_prices"))
    assert now["a"] == times["a"]
    assert now["b"] > times["b"]


def test_from_known_to_unknown_and_back_is_a_change(empty_database: Database) -> None:
    seed(price(input_price=1, output_price=2))
    assert seed(price(input_price=1))["updated"] == 1
    assert seed(price(input_price=1, output_price=2))["updated"] == 1


def test_custom_rows_are_left_alone(empty_database: Database) -> None:
    empty_database.run("INSERT INTO ai_model_prices VALUES ('p', 'm', 'custom', 5)")
    assert seed(price(input_price=1))["inserted"] == 1
    assert rows(empty_database) == [
        ("p", "m", "custom", 5, None, None, None),
        ("p", "m", "default", 1, None, None, None),
    ]


def test_rows_that_a_book_does_not_name_stay(empty_database: Database) -> None:
    seed(price("a", input_price=1))
    assert seed(price("b", input_price=1)) == {"inserted": 1, "updated": 0, "unchanged": 0}
    assert seed() == {"inserted": 0, "updated": 0, "unchanged": 0}
    assert len(rows(empty_database)) == 2


def test_two_at_once_do_not_collide(empty_database: Database) -> None:
    models = [f"m{n}" for n in range(500)]
    counts: list[dict[str, int]] = []
    start = threading.Barrier(4)

    def run(turn: int) -> None:
        connection = Connection(DatabaseSource(empty_database.app_url, None), "test")
        store = PriceStore(Gate(PRICE_SEEDER.subject, connection), Origin(None, "test", "test"))
        # Each in another order: rows locked in the order of the book would deadlock.
        order = models[turn * 100 :] + models[: turn * 100]
        book = PriceBook(prices=[ModelPrice(provider="p", model=model, input_price=turn) for model in order])
        start.wait()
        counts.append(store.seed_prices(book).model_dump())
        connection.close()

    threads = [threading.Thread(target=run, args=(turn,)) for turn in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(counts) == 4
    assert sum(each["inserted"] for each in counts) == 500
    assert all(sum(each.values()) == 500 for each in counts)
    assert len({row[3] for row in rows(empty_database)}) == 1, "the last one's book stands whole"


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (price(input_price=-1), "prices[1].input_price: must not be negative"),
        (price(input_price=1.5), "prices[1].input_price: must be a whole number"),
        (price(input_price="1"), "prices[1].input_price: must be a whole number"),
        (price(input_price=True), "prices[1].input_price: must be a whole number"),
        (price(input_price=1e300), "prices[1].input_price: must be a whole number"),
        (price(input_price=10**30), "prices[1].input_price: must not exceed 1000000000000"),
        (price(input_cost=1), "prices[1].input_cost: unknown field"),
        (price(), "prices[1]: at least one price must be set (0 declares a model free)"),
        ({"provider": "p", "input_price": 1}, "prices[1].model: required"),
        ({"model": "m", "input_price": 1}, "prices[1].provider: required"),
        (price("", input_price=1), "prices[1].model: must not be empty"),
        (price("a\x00b", input_price=1), "prices[1].model: must have no control characters, nor spaces around it"),
        (price("\ud800", input_price=1), "prices[1].model: "),
        (price("x" * 256, input_price=1), "prices[1].model: must have at most 255 characters"),
        (price("good", input_price=1), "prices[1].model: p good is priced at prices[0] already"),
        ("text", "prices[1]: must be an object"),
    ],
)
def test_a_malformed_book_changes_nothing_and_says_which_entry_is_wrong(
    empty_database: Database, bad: Any, problem: str
) -> None:
    with pytest.raises(ValidationFailed) as caught:
        seed(price("good", input_price=1), bad)
    assert problem in str(caught.value).splitlines()[0]
    assert rows(empty_database) == []


def test_every_problem_is_a_line_of_its_own(empty_database: Database) -> None:
    with pytest.raises(ValidationFailed) as caught:
        seed(price(input_price=-1, output_price=-2), {}, sourse="x")
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == [
        "prices[0].input_price", "prices[0].output_price", "prices[1].provider", "prices[1].model", "sourse",
    ]  # fmt: skip


@pytest.mark.parametrize("prices", [None, {}, "x", 3])
def test_prices_that_are_no_list_are_refused(empty_database: Database, prices: Any) -> None:
    with pytest.raises(ValidationFailed, match="prices: must be a list"):
        seed_prices.handler({"prices": prices}, Context())


def test_names_are_data_whatever_they_look_like(empty_database: Database) -> None:
    name = "'; DROP TABLE users; -- %s %(x)s \\"
    assert seed(price(name, input_price=1))["inserted"] == 1
    assert rows(empty_database)[0][1] == name


prices = st.none() | st.integers(0, 10**12)
books = st.dictionaries(st.sampled_from("abcdef"), st.tuples(prices, prices, prices, prices).filter(any), max_size=6)


@given(st.lists(books, min_size=1, max_size=4))
@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_after_any_books_the_rows_are_the_last_word_on_each_model(
    empty_database: Database, series: list[dict[str, tuple[int | None, ...]]]
) -> None:
    empty_database.run("DELETE FROM ai_model_prices")
    known: dict[str, tuple[int | None, ...]] = {}
    names = ("input_price", "output_price", "cache_read_price", "cache_write_price")
    for book in series:
        counts = seed(*(price(model, **dict(zip(names, values, strict=True))) for model, values in book.items()))
        assert counts == {
            "inserted": sum(model not in known for model in book),
            "updated": sum(model in known and known[model] != values for model, values in book.items()),
            "unchanged": sum(known.get(model) == values for model, values in book.items()),
        }
        known |= book
    assert {row[1]: row[3:] for row in rows(empty_database)} == known


@pytest.mark.parametrize("event", [[], [{"provider": "p"}], None, "x", 3])
def test_an_event_that_is_no_object_seeds_nothing(empty_database: Database, event: Any) -> None:
    with pytest.raises(ValidationFailed, match="must be an object"):
        seed_prices.handler(event, Context())
    assert rows(empty_database) == []
