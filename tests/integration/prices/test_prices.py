"""Custom and default prices: custom first, each from its own time on, with its history."""

from datetime import UTC, datetime, timedelta
from typing import Any

from allowance.prices.terms import RATES
from tests.gateway import Client
from tests.model_prices import EXPERIMENTAL, PRICES, confirmed, listed, set_prices, url_time
from tests.postgres import Database
from tests.price_books import counts, price, seed, versions


def test_the_custom_price_is_in_effect_and_the_default_stands_beside_it(
    olivia: Client, price_reader: Client
) -> None:
    seed(price("a", input_price=10), price("b", input_price=20))
    set_prices(olivia, price("b", input_price=5), price("c", input_price=6))
    assert listed(price_reader) == [
        ("p", "a", "default", 10),
        ("p", "b", "custom", 5),
        ("p", "c", "custom", 6),
    ]
    assert listed(price_reader, path=EXPERIMENTAL) == listed(price_reader)
    assert listed(price_reader, "source=default") == [
        ("p", "a", "default", 10),
        ("p", "b", "default", 20),
    ]
    assert listed(price_reader, "source=custom") == [
        ("p", "b", "custom", 5),
        ("p", "c", "custom", 6),
    ]
    assert listed(price_reader, "source=all&model=b") == [
        ("p", "b", "custom", 5),
        ("p", "b", "default", 20),
    ]
    assert listed(price_reader, "provider=q") == []


def test_a_seeding_never_overwrites_a_custom_price(olivia: Client) -> None:
    olivia.post(PRICES, confirmed([price(input_price=5)]))
    assert seed(price(input_price=10)) == counts(inserted=1)
    assert seed(price(input_price=20)) == counts(updated=1)
    assert listed(olivia, "source=all") == [("p", "m", "custom", 5), ("p", "m", "default", 20)]


def test_a_temporary_custom_price_gives_way_to_the_earlier_one(
    olivia: Client, database: Database
) -> None:
    olivia.post(PRICES, confirmed([price(input_price=10)]))
    soon = url_time(datetime.now(UTC) + timedelta(days=30))
    olivia.post(
        PRICES, confirmed([price(input_price=5), price(input_price=10, effective_from=soon)])
    )
    assert listed(olivia) == [("p", "m", "custom", 5)]
    assert listed(olivia, f"at={soon}") == [("p", "m", "custom", 10)]
    entries = database.rows(
        "SELECT action, before -> 'input_price', after -> 'input_price' FROM audit_log"
        " WHERE resource_type = 'ai_model_price' ORDER BY id"
    )
    assert entries == [("create", None, 10), ("update", 10, 5), ("update", 5, 10)]


def test_deleting_a_custom_price_restores_the_default_and_keeps_history(
    olivia: Client,
) -> None:
    seed(price(input_price=10))
    olivia.post(PRICES, confirmed([price(input_price=5)]))
    ((*_, set_at, _, _, _),) = [
        (each[0], each[1], *each[2:]) for each in versions_of_custom(olivia)
    ]
    ended_at = url_time(datetime.now(UTC))
    assert olivia.delete(f"{PRICES}/p/m?from={ended_at}").status == 204
    assert listed(olivia) == [("p", "m", "default", 10)]
    assert listed(olivia, f"at={url_time(set_at)}") == [("p", "m", "custom", 5)]
    assert olivia.delete(f"{PRICES}/p/m?from={ended_at}").status == 404
    assert olivia.delete(f"{PRICES}/p/m").status == 204
    assert listed(olivia, f"at={url_time(set_at)}") == [("p", "m", "default", 10)]
    gone = olivia.delete(f"{PRICES}/p/m")
    assert (gone.status, gone.json()["message"]) == (
        404,
        "Resource not found or you do not have access to this resource",
    )


def versions_of_custom(client: Client) -> list[tuple[Any, ...]]:
    (custom,) = client.get(f"{PRICES}?source=custom").json()["prices"]
    return [
        (
            "custom",
            datetime.fromisoformat(custom["effective_from"]),
            custom["input_price"],
            False,
            False,
        )
    ]


def test_a_price_counts_from_its_time_on_and_nothing_is_overwritten(
    olivia: Client, database: Database
) -> None:
    now = datetime.now(UTC)
    last_month, next_month = now - timedelta(days=30), now + timedelta(days=30)
    seed(price(input_price=10))
    for moment, amount in ((next_month, 7), (last_month, 5)):
        set_prices(olivia, price(input_price=amount, effective_from=url_time(moment)))
    for moment, amount in (
        (last_month - timedelta(microseconds=1), 10),
        (last_month, 5),
        (now, 5),
        (next_month - timedelta(microseconds=1), 5),
        (next_month, 7),
    ):
        assert [each[3] for each in listed(olivia, f"at={url_time(moment)}")] == [amount]
    assert listed(olivia) == [("p", "m", "custom", 5)]
    assert olivia.delete(f"{PRICES}/p/m").status == 204
    assert listed(olivia, f"at={url_time(next_month)}") == [("p", "m", "default", 10)], (
        "what was scheduled is ended too"
    )
    assert listed(olivia, f"at={url_time(last_month)}") == [("p", "m", "default", 10)]
    assert len(versions(database)) == 5


def test_the_first_price_of_a_model_prices_what_was_used_before_it_too(olivia: Client) -> None:
    olivia.post(PRICES, confirmed([price("new", input_price=5)]))
    assert listed(olivia, "at=2020-01-01T00:00:00Z") == [("p", "new", "custom", 5)]
    assert olivia.get(PRICES).json()["prices"][0]["effective_from"] is None


def test_a_price_is_listed_whole(olivia: Client) -> None:
    terms = {
        "input_price": 3_000_000,
        "output_price": 0,
        "unit_prices": {"web_searches": 10**10, "input_audio": 0},
        "tiers": [{"above_input_tokens": 200_000, "unit_prices": {"web_searches": 10**12}}],
        "variants": {"batch": {"unit_prices": {"pages": 5}}},
        "effective_from": "2026-11-01T02:00:00+02:00",
    }
    olivia.post(PRICES, confirmed([price(**terms)]))
    (found,) = olivia.get(PRICES).json()["prices"]
    nothing: dict[str, Any] = dict.fromkeys(RATES) | {"unit_prices": {}}
    recorded_at = found.pop("recorded_at")
    assert found == nothing | {
        "unit_prices": {"input_audio": 0, "web_searches": 10**10},
        "provider": "p",
        "model": "m",
        "source": "custom",
        "input_price": 3_000_000,
        "output_price": 0,
        "tiers": [
            nothing | {"above_input_tokens": 200_000, "unit_prices": {"web_searches": 10**12}}
        ],
        "variants": {"batch": nothing | {"unit_prices": {"pages": 5}, "tiers": []}},
        "effective_from": "2026-11-01T00:00:00.000000Z",
        "withdrawn_at": None,
        "sources": [],
        "origin": "olivia",
    }
    assert datetime.fromisoformat(recorded_at) <= datetime.now(UTC)
