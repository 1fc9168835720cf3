"""Requests that set or delete custom prices: every problem at once, all or nothing."""

import json
from typing import Any

import pytest

from tests.gateway import Client
from tests.model_prices import EXPERIMENTAL, PRICES, confirmed, listed
from tests.postgres import Database
from tests.price_books import price, seed, versions


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("org/model:free", "org/model:free"),
        ("org/model", "org%2Fmodel"),
        ("a b", "a%20b"),
        ("é%'\"\\", "%C3%A9%25%27%22%5C"),
        ("held", "held"),
        ("x/approve", "x/approve"),
    ],
)
def test_the_model_of_a_path_is_the_rest_of_it(
    olivia: Client, database: Database, model: str, path: str
) -> None:
    assert olivia.post(PRICES, confirmed([price(model, input_price=5)])).status == 200
    assert olivia.delete(f"{PRICES}/p/{path}").status == 204
    assert [row[3] for row in versions(database, model)] == [False, True]


@pytest.mark.parametrize("path", ["p/a%00b", "p/%0A", "p/m/", "%20/m"])
def test_a_name_that_no_model_can_have_has_no_price(olivia: Client, path: str) -> None:
    assert olivia.delete(f"{PRICES}/{path}").status == 404


GPT_41 = {"input_price": 2_000_000, "output_price": 8_000_000}
BAD: list[tuple[Any, list[str]]] = [
    ([{}], ["prices[0].provider", "prices[0].model"]),
    ([price()], ["prices[0]"]),
    ([price(input_price=-1, output_price=1.0)],
     ["prices[0].input_price", "prices[0].output_price"]),
    ([price(input_price="1"), price("n", input_price=True)],
     ["prices[0].input_price", "prices[1].input_price"]),
    ([price(input_price=1e300)], ["prices[0].input_price"]),
    ([price(input_price=10**12 + 1)], ["prices[0].input_price"]),
    ([price(input_price=1), price("n"), price(input_price=2)], ["prices[1]", "prices[2].model"]),
    ([price(input_price=1, input_prize=1)], ["prices[0].input_prize"]),
    ([price(input_price=1, source="default")], ["prices[0].source"]),
    ([price(input_price=1, effective_from="tomorrow")], ["prices[0].effective_from"]),
    ([price(input_price=1, effective_from=1795413600)], ["prices[0].effective_from"]),
    ([price(input_price=1, effective_from="2026-02-31T00:00:00Z")], ["prices[0].effective_from"]),
    ([price(input_price=1, effective_from="2026-12-01T00:00:00Z"),
      price(input_price=2, effective_from="2026-12-01T01:00:00+01:00")], ["prices[1].model"]),
    ([price(input_price=1, tiers=[{"above_input_tokens": 0, "input_price": 1}])],
     ["prices[0].tiers[0].above_input_tokens"]),
    ([price(input_price=1, variants={"cheap": {"input_price": 1}})], ["prices[0].variants.cheap"]),
    ([price("a\nb", input_price=1)], ["prices[0].model"]),
    (["x", None], ["prices[0]", "prices[1]"]),
]  # fmt: skip


@pytest.mark.parametrize("path", [PRICES, EXPERIMENTAL])
@pytest.mark.parametrize(("prices", "fields"), BAD, ids=lambda each: json.dumps(each)[:60])
def test_every_problem_is_reported_at_once_and_nothing_is_stored(
    olivia: Client, database: Database, path: str, prices: Any, fields: list[str]
) -> None:
    answer = olivia.post(path, {"prices": [*prices, price("good", input_price=1)]})
    assert (answer.status, answer.json()["message"]) == (400, "Invalid AI model prices.")
    named = [each["field"] for each in answer.json()["validations"]]
    assert [field for field in named if field in fields] == fields
    assert {field.partition("]")[0] for field in named} == {
        field.partition("]")[0] for field in fields
    }
    assert database.rows("SELECT count(*) FROM ai_model_price_versions") == [(0,)]


@pytest.mark.parametrize("body", [{}, {"prices": None}, {"prices": {}}, {"prices": []}])
def test_a_body_without_a_list_of_prices_is_refused_as_any_other(olivia: Client, body: Any) -> None:
    answer = olivia.post(PRICES, body)
    assert (answer.status, answer.json()["message"]) == (400, "Validation failed.")


def test_null_is_unknown_and_zero_is_free_and_either_may_be_left_out(olivia: Client) -> None:
    body = {
        "prices": [price("free", input_price=0), price("part", input_price=None, output_price=3)]
    }
    assert olivia.post(f"{EXPERIMENTAL}?confirm=true", body).status == 204
    free, part = olivia.get(EXPERIMENTAL).json()
    assert (free["input_price"], free["output_price"]) == (0, None)
    assert (part["input_price"], part["output_price"]) == (None, 3)


def test_a_provider_with_a_slash_could_not_be_deleted_and_is_refused(olivia: Client) -> None:
    answer = olivia.post(PRICES, confirmed([price(input_price=1) | {"provider": "a/b"}]))
    assert answer.status == 400
    assert answer.json()["validations"] == [
        {"field": "prices[0].provider", "detail": "Must not contain /."}
    ]


def test_a_price_far_from_the_books_is_stored_only_if_it_is_confirmed(
    olivia: Client, database: Database
) -> None:
    """The book's price is the one of the model that the name means, at the time of the entry."""
    dated = {"effective_from": "2026-11-20T00:00:00Z"}
    model = {"provider": "openai", "model": "gpt-4.1"}
    seed(model | {"input_price": 2, "output_price": 8}, model | GPT_41 | dated)
    stored = database.rows("SELECT count(*) FROM ai_model_price_versions")
    typed = model | {"model": "GPT-4.1-2025-04-14", "input_price": 2, "output_price": 8}
    for path, how in ((PRICES, 'Send "confirm": true'), (EXPERIMENTAL, "Send ?confirm=true")):
        answer = olivia.post(path, {"prices": [typed, model | GPT_41]})
        assert (answer.status, answer.json()["message"]) == (400, "Invalid AI model prices.")
        told = {each["field"]: each["detail"] for each in answer.json()["validations"]}
        assert list(told) == ["prices[0].input_price", "prices[0].output_price"]
        assert "$0.000002 per million tokens" in told["prices[0].input_price"]
        assert "the price book has $2.00 for openai/gpt-4.1" in told["prices[0].input_price"]
        assert how in told["prices[0].input_price"]
    assert database.rows("SELECT count(*) FROM ai_model_price_versions") == stored
    assert olivia.post(f"{EXPERIMENTAL}?confirm=false", {"prices": [typed]}).status == 400
    assert olivia.post(f"{EXPERIMENTAL}?confirm=1", {"prices": [typed]}).status == 400
    assert olivia.post(PRICES, {"prices": [typed | {"confirm": False}]}).status == 400
    past = {"effective_from": "2026-11-19T00:00:00Z"}
    assert olivia.post(PRICES, {"prices": [typed | past]}).status == 200
    assert olivia.post(PRICES, {"prices": [typed | {"confirm": True}]}).status == 200
    assert olivia.post(f"{EXPERIMENTAL}?confirm=true", {"prices": [typed]}).status == 204


def test_the_experimental_path_speaks_as_coder_does(olivia: Client) -> None:
    seed(price(input_price=2_000_000, output_price=8_000_000, cache_read_price=500_000))
    four = price(
        input_price=1_900_000, output_price=8_000_000, cache_read_price=None, cache_write_price=None
    )
    answer = olivia.post(EXPERIMENTAL, {"prices": [four | {"provider_id": None}]})
    assert (answer.status, answer.body) == (204, "")
    (found,) = olivia.get(EXPERIMENTAL).json()
    assert (found["provider_id"], found["cache_read_price"]) == (None, None)
    assert found["created_at"] == found["updated_at"] == found["recorded_at"]
    assert listed(olivia, path=EXPERIMENTAL) == [("p", "m", "custom", 1_900_000)]
    olivia.post(EXPERIMENTAL, {"prices": [four | {"input_price": 1_800_000}]})
    (changed,) = olivia.get(EXPERIMENTAL).json()
    assert changed["created_at"] == found["created_at"] < changed["updated_at"]
    for body, field in (
        ({"prices": []}, "prices"),
        ({"prices": [four | {"provider_id": "p"}]}, "prices[0].provider_id"),
        ({"prices": [four | {"confirm": True}]}, "prices[0].confirm"),
    ):
        refused = olivia.post(EXPERIMENTAL, body)
        assert refused.status == 400
        assert [each["field"] for each in refused.json()["validations"]] == [field]
