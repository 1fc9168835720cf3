"""The list of prices, page by page, and the experimental list, which has no pages."""

import base64
import json
from typing import Any, get_args

import pytest

from allowance.prices.book import MAX_ENTRIES
from allowance.prices.terms import MAX_PRICE_MICROS, MAX_TIERS, Variant
from tests.gateway import MAX_RESPONSE_BYTES, Client
from tests.model_prices import EXPERIMENTAL, PRICES, confirmed, listed
from tests.postgres import Database
from tests.price_books import RATES, price, seed
from tests.sessions import be_patient

LARGEST_RATES = dict.fromkeys(RATES, MAX_PRICE_MICROS)
LARGEST_TIERS = [LARGEST_RATES | {"above_input_tokens": 10**11 + n} for n in range(MAX_TIERS)]
LARGEST_TERMS = LARGEST_RATES | {
    "tiers": LARGEST_TIERS,
    "variants": dict.fromkeys(get_args(Variant), LARGEST_RATES | {"tiers": LARGEST_TIERS}),
}
"""As many tiers and variants as the contract takes: 14 kB."""


def test_pages_follow_each_other_whatever_the_names(olivia: Client) -> None:
    names = ["", " x", "É", "a/b", "B", "_", "~", "z'"]
    providers = ["p", "O", "q r"]
    wanted = sorted((p, f"m{n}") for p in providers for n in names)
    olivia.post(
        PRICES, confirmed([{"provider": p, "model": m, "input_price": 1} for p, m in wanted])
    )
    seed(*({"provider": p, "model": m, "input_price": 2} for p, m in wanted[::2]))
    for query, number in (("", len(wanted)), ("source=all", len(wanted) + len(wanted[::2]))):
        whole = listed(olivia, query)
        assert len(whole) == number
        assert [each[:3] for each in whole] == sorted(each[:3] for each in whole)
        pages: list[tuple[Any, ...]] = []
        after: str | None = ""
        while after is not None:
            page = olivia.get(
                f"{PRICES}?limit=5&{query}" + (f"&after={after}" if after else "")
            ).json()
            pages += [
                (each["provider"], each["model"], each["source"], each["input_price"])
                for each in page["prices"]
            ]
            assert len(page["prices"]) == 5 or page["next"] is None
            after = page["next"]
        assert pages == whole


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=x", "source=other", "at=x", "at=2026-11-22", "at=1795413600",
     "at=2026-11-22T00:00:00",
     "at=0001-01-01T00:00:00%2B01:00", "after=x", "after=W10", "after=%C3%A9", "provider=",
     "model=a%00b", "x=1"],
)  # fmt: skip
def test_a_bad_query_parameter_is_named(olivia: Client, query: str) -> None:
    answer = olivia.get(f"{PRICES}?{query}")
    assert (answer.status, answer.json()["message"]) == (
        400,
        "Query parameters have invalid values.",
    )
    assert {each["field"] for each in answer.json()["validations"]} == {query.partition("=")[0]}


@pytest.mark.parametrize(
    "names",
    [
        ["\ud800", "a", "default"],
        ["a", "\udfff", "custom"],
        ["a", "b\n", "default"],
        ["a", "b", "all"],
        ["a", "b"],
    ],
)
def test_a_cursor_that_no_page_gave_is_named(olivia: Client, names: list[str]) -> None:
    after = base64.urlsafe_b64encode(json.dumps(names).encode()).decode().rstrip("=")
    answer = olivia.get(f"{PRICES}?after={after}")
    assert (answer.status, [each["field"] for each in answer.json()["validations"]]) == (
        400,
        ["after"],
    )


def test_the_experimental_list_of_the_largest_book_fits_a_lambda_response(
    olivia: Client, database: Database
) -> None:
    be_patient(database)
    rates = dict.fromkeys(RATES, 1250000)
    names = [
        (f"provider-{n % 50}", f"organisation/some-model-name-instruct-{n}")
        for n in range(MAX_ENTRIES)
    ]
    seed(*({"provider": provider, "model": model} | rates for provider, model in names))
    answer = olivia.get(EXPERIMENTAL)
    assert len(answer.json()) == MAX_ENTRIES
    assert answer.lambda_bytes < MAX_RESPONSE_BYTES


@pytest.mark.thorough
def test_an_experimental_list_beyond_a_lambda_response_says_what_to_do(
    olivia: Client, database: Database
) -> None:
    add_large_prices(database, 600)
    answer = olivia.get(EXPERIMENTAL)
    assert (answer.status, answer.json()["message"]) == (
        400,
        "Query parameters have invalid values.",
    )
    (problem,) = answer.json()["validations"]
    assert problem["field"] == "provider"
    assert "/api/v2/ai/model-prices" in problem["detail"]
    assert len(olivia.get(f"{EXPERIMENTAL}?provider=p1").json()) == 100


@pytest.mark.thorough
def test_a_page_of_the_largest_prices_ends_before_a_lambda_response(
    olivia: Client, database: Database
) -> None:
    add_large_prices(database, 600)
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        answer = olivia.get(f"{PRICES}?limit=1000" + (f"&after={after}" if after else ""))
        assert answer.lambda_bytes < MAX_RESPONSE_BYTES
        seen += [each["model"] for each in answer.json()["prices"]]
        after = answer.json()["next"]
    assert len(seen) == len(set(seen)) == 600


@pytest.mark.thorough
def test_a_page_of_the_largest_held_changes_ends_before_a_lambda_response(
    olivia: Client, database: Database
) -> None:
    database.run(
        "INSERT INTO ai_model_price_changes_held (provider, model, proposed, reasons, by_source,"
        " origin) SELECT 'p', 'm' || n, %s, '{}', jsonb_build_object('s',"
        " jsonb_build_object('note', repeat('\"', 3900))),"
        " 'test' FROM generate_series(1, 450) AS n",
        json.dumps(LARGEST_TERMS),
    )
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        answer = olivia.get(f"{PRICES}/held?limit=1000" + (f"&after={after}" if after else ""))
        assert answer.lambda_bytes < MAX_RESPONSE_BYTES
        seen += [each["model"] for each in answer.json()["held"]]
        after = answer.json()["next"]
    assert len(seen) == len(set(seen)) == 450


def add_large_prices(database: Database, number: int) -> None:
    database.run(
        "INSERT INTO ai_model_price_versions (provider, model, source, effective_from,"
        " input_price, tiers, variants, named, origin)"
        " SELECT 'p' || n %% 6, 'm' || n, 'custom', '-infinity', 1, %s, %s,"
        " '{input_price,tiers}', 'test'"
        " FROM generate_series(1, %s) AS n",
        json.dumps(LARGEST_TERMS["tiers"]),
        json.dumps(LARGEST_TERMS["variants"]),
        number,
    )


def test_the_experimental_list_is_whole_and_takes_no_pages(olivia: Client) -> None:
    olivia.post(PRICES, confirmed([price(f"m{n}", input_price=n) for n in range(250)]))
    assert len(olivia.get(EXPERIMENTAL).json()) == 250
    assert olivia.get(f"{EXPERIMENTAL}?limit=10").status == 400
