"""SeedPrices: new prices, changed ones, scheduled and withdrawn ones, twice, two at once, and books
refused whole.
"""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import seed_prices
from allowance.access.gate import Gate
from allowance.access.store import Origin
from allowance.database.database import Database as Connection
from allowance.database.settings import DatabaseSource
from allowance.errors import ValidationFailed
from allowance.prices.book import BookEntry, PriceBook
from allowance.prices.seeding.source import TakenBook
from allowance.prices.seeding.store import SeedingStore
from allowance.rbac.system import PRICE_SEEDER
from tests.gateway import Context
from tests.postgres import Database
from tests.price_books import RATES, counts, price, rows, seed, versions

TOMORROW = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)


def at(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def input_prices_at(database: Database, moment: datetime | str) -> dict[str, int]:
    return dict(
        database.rows(
            "SELECT model, input_price FROM ai_model_prices_at(%s::timestamptz)", str(moment)
        )
    )


def audit(database: Database) -> list[tuple[Any, ...]]:
    return database.rows(
        "SELECT actor_name, action, resource_id, before -> 'input_price', after -> 'input_price' FROM audit_log"
        " WHERE resource_type = 'ai_model_price' ORDER BY id"
    )


def test_the_shipped_book_is_seeded_once_and_then_unchanged(empty_database: Database) -> None:
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
    ((one_hour, tier, batch),) = empty_database.rows(
        "SELECT cache_write_1h_price, tiers #> '{0,input_price}', variants #> '{batch,tiers,0,input_price}'"
        " FROM ai_model_price_versions"
    )
    assert (one_hour, tier, batch) == (6_000_000, 6_000_000, 3_000_000)


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
        "INSERT INTO ai_model_price_versions (provider, model, source, effective_from, input_price, origin)"
        " VALUES ('p', 'm', 'custom', '-infinity', 5, 'test')"
    )
    assert seed(price(input_price=10)) == counts(inserted=1)
    assert [(row[2], row[3]) for row in rows(empty_database)] == [("custom", 5), ("default", 10)]


def test_a_dated_price_comes_into_effect_by_itself(empty_database: Database) -> None:
    book = [price(input_price=10), price(input_price=20, effective_from=at(TOMORROW))]
    assert seed(*book) == counts(inserted=2)
    assert seed(*book) == counts(unchanged=2)
    assert [
        input_prices_at(empty_database, moment)["m"]
        for moment in (TOMORROW - timedelta(microseconds=1), TOMORROW)
    ] == [10, 20]


def test_a_date_that_has_come_is_the_present_price(empty_database: Database) -> None:
    yesterday, today = TOMORROW - timedelta(days=2), TOMORROW - timedelta(days=1, hours=1)
    seed(price(input_price=10), price(input_price=20, effective_from=at(yesterday)))
    assert [
        input_prices_at(empty_database, moment)["m"] for moment in ("-infinity", yesterday, "now")
    ] == [10, 20, 20]
    assert seed(
        price(input_price=10), price(input_price=20, effective_from=at(yesterday))
    ) == counts(unchanged=2)
    assert seed(price(input_price=10), price(input_price=30, effective_from=at(today))) == counts(
        updated=1, unchanged=1
    )
    assert [
        input_prices_at(empty_database, moment)["m"] for moment in (yesterday, today, "now")
    ] == [20, 30, 30]


def test_a_scheduled_price_that_a_complete_book_takes_back_does_not_come(
    empty_database: Database,
) -> None:
    seed(price(input_price=10), price(input_price=20, effective_from=at(TOMORROW)), complete=True)
    assert seed(price(input_price=10)) == counts(unchanged=1), "another book says nothing of it"
    assert seed(price(input_price=10), complete=True) == counts(updated=1)
    assert input_prices_at(empty_database, TOMORROW)["m"] == 10
    assert seed(price(input_price=10), complete=True) == counts(unchanged=1)


@pytest.mark.parametrize("complete", [False, True])
def test_a_price_for_a_while_gives_way_to_that_of_before(
    empty_database: Database, complete: bool
) -> None:
    seed(price(input_price=1_000_000), complete=True)
    book = [price(input_price=500_000), price(input_price=1_000_000, effective_from=at(TOMORROW))]
    assert seed(*book, complete=complete) == counts(updated=2)
    assert [input_prices_at(empty_database, moment)["m"] for moment in ("now", TOMORROW)] == [
        500_000,
        1_000_000,
    ]
    assert seed(*book, complete=complete) == counts(unchanged=2)


def test_a_scheduled_price_may_be_put_off(empty_database: Database) -> None:
    next_week = TOMORROW + timedelta(days=7)
    seed(price(input_price=10), price(input_price=20, effective_from=at(TOMORROW)), complete=True)
    later = [price(input_price=10), price(input_price=20, effective_from=at(next_week))]
    seed(*later, complete=True)
    assert [input_prices_at(empty_database, moment)["m"] for moment in (TOMORROW, next_week)] == [
        10,
        20,
    ]
    assert seed(*later, complete=True) == counts(unchanged=2)


def test_a_history_that_returns_to_the_present_price_ends_with_it(empty_database: Database) -> None:
    long_ago, lately = TOMORROW - timedelta(days=200), TOMORROW - timedelta(days=100)
    seed(price(input_price=1_000_000))
    book = [
        price(input_price=900_000),
        price(input_price=2_000_000, effective_from=at(long_ago)),
        price(input_price=1_000_000, effective_from=at(lately)),
    ]
    assert seed(*book, complete=True) == counts(updated=2, unchanged=1)
    assert [input_prices_at(empty_database, moment)["m"] for moment in (long_ago, lately, "now")] == [
        2_000_000, 1_000_000, 1_000_000,
    ]  # fmt: skip
    assert seed(*book, complete=True) == counts(unchanged=3)


def test_a_history_whose_beginning_does_not_count_repeats_nothing(empty_database: Database) -> None:
    seed(price(input_price=10))
    lately = at(TOMORROW - timedelta(days=100))
    assert seed(price(input_price=9), price(input_price=10, effective_from=lately)) == counts(
        unchanged=2
    )


def test_a_model_that_vanishes_from_a_complete_book_is_withdrawn_and_still_priced(
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
    told = [entry[3:] for entry in audit(empty_database) if entry[1:3] == ("update", "p/b")]
    assert told == [(20, 20), (30, 30)]
    assert seed(a, b, complete=True)["updated"] >= 1
    assert [row[4] for row in versions(empty_database, "b")][-2:] == [False, False]


def test_a_complete_book_leaves_alone_what_it_never_had(empty_database: Database) -> None:
    seed(price("ours", input_price=10))
    assert seed(price("theirs", input_price=20), complete=True) == counts(inserted=1)
    assert versions(empty_database, "ours") == [("default", None, 10, False, False)]


def test_two_at_once_do_not_collide(empty_database: Database) -> None:
    models = [f"m{n}" for n in range(500)]
    answers: list[dict[str, Any]] = []
    start = threading.Barrier(4)

    def run(turn: int) -> None:
        connection = Connection(DatabaseSource(empty_database.app_url, None), "test")
        store = SeedingStore(Gate(PRICE_SEEDER.subject, connection), Origin(None, "test", "test"))
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
        (
            price("a\x00b", input_price=1),
            "prices[1].model: must have no control characters, nor spaces around it",
        ),
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
    assert seed(price(name, input_price=1)) == counts(inserted=1)
    assert rows(empty_database)[0][1] == name


prices = st.integers(1_000_000, 2_900_000)
cache_reads = st.integers(400_000, 1_100_000)
books = st.dictionaries(
    st.sampled_from("abcdef"), st.tuples(prices, prices, cache_reads, prices, prices), max_size=4
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


def test_a_complete_event_without_prices_would_withdraw_every_model_and_is_refused(
    empty_database: Database,
) -> None:
    seed(price(input_price=10), complete=True)
    with pytest.raises(ValidationFailed, match="prices: a complete book must not be empty"):
        seed(complete=True)
    assert seed() == counts(), "one that is not complete says nothing"
    assert seed(price(input_price=10), complete=True) == counts(unchanged=1)


@pytest.mark.parametrize("event", [[], [{"provider": "p"}], None, "x", 3])
def test_an_event_that_is_no_object_seeds_nothing(empty_database: Database, event: Any) -> None:
    with pytest.raises(ValidationFailed, match="must be an object"):
        seed_prices.handler(event, Context())
    assert rows(empty_database) == []
