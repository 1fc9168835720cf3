"""The list of prices, page by page, and the experimental list, which has no pages."""

import base64
import json
from typing import Any

import pytest

from allowance.prices.book import MAX_ENTRIES
from tests.gateway import Client
from tests.model_prices import EXPERIMENTAL, PRICES, listed
from tests.price_books import RATES, price, seed


def test_pages_follow_each_other_whatever_the_names(olivia: Client) -> None:
    names = ["", " x", "É", "a/b", "B", "_", "~", "z'"]
    providers = ["p", "P", "q r"]
    wanted = sorted((p, f"m{n}") for p in providers for n in names)
    olivia.post(
        PRICES, {"prices": [{"provider": p, "model": m, "input_price": 1} for p, m in wanted]}
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
    olivia: Client,
) -> None:
    rates = dict.fromkeys(RATES, 1250000)
    names = [
        (f"provider-{n % 50}", f"organisation/some-model-name-instruct-{n}")
        for n in range(MAX_ENTRIES)
    ]
    seed(*({"provider": provider, "model": model} | rates for provider, model in names))
    answer = olivia.get(EXPERIMENTAL)
    assert len(answer.json()) == MAX_ENTRIES
    assert len(answer.body) < 6_291_556


def test_the_experimental_list_is_whole_and_takes_no_pages(olivia: Client) -> None:
    olivia.post(PRICES, {"prices": [price(f"m{n}", input_price=n) for n in range(250)]})
    assert len(olivia.get(EXPERIMENTAL).json()) == 250
    assert olivia.get(f"{EXPERIMENTAL}?limit=10").status == 400
