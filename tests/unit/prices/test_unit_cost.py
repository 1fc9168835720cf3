"""The cost of units other than text: exact, and never free for want of a price."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowance.errors import UsageOutOfRange
from allowance.prices.cost import Tokens, cost_of
from allowance.prices.units import OTHER_UNITS, OtherUnit, OtherUnits
from tests.costs import as_tuple, priced

UNITS: tuple[OtherUnit, ...] = get_args(OtherUnit)
CLASSES = {"input_price": 3, "output_price": 5, "cache_read_price": 7}
SOLD_AS: dict[OtherUnit, int] = {
    "input_image": 3,
    "input_video": 3,
    "cache_read_image": 7,
    "cache_read_video": 7,
    "output_reasoning": 5,
    "output_citation": 5,
}
"""The units whose tokens are sold as a class of text, and what that costs here."""
FRESH: dict[OtherUnit, OtherUnit] = {
    "cache_read_audio": "input_audio",
    "cache_read_image": "input_image",
    "cache_read_video": "input_video",
}
INPUT = {unit for unit in UNITS if unit.startswith(("input_", "cache_read_"))} - {
    "input_characters",
    "input_messages",
    "input_audio_milliseconds",
}
counts = st.dictionaries(st.sampled_from(UNITS), st.integers(0, 10**6), max_size=5)
prices = st.dictionaries(st.sampled_from(UNITS), st.integers(0, 10**6), min_size=1)


def picos(others: OtherUnits, requests: int = 1, **stated: Any) -> int | None:
    cost = cost_of(Tokens(), priced(**stated), None, others, requests)
    return cost and cost.picos


def test_the_registry_has_every_unit() -> None:
    assert tuple(OTHER_UNITS) == UNITS


@given(others=counts, unit_prices=prices)
def test_any_units_cost_exactly_their_prices_or_have_none(
    others: dict[OtherUnit, int], unit_prices: dict[OtherUnit, int]
) -> None:
    of_fresh = {
        cached: unit_prices[fresh] for cached, fresh in FRESH.items() if fresh in unit_prices
    }
    known: dict[OtherUnit, int] = SOLD_AS | of_fresh | unit_prices
    used = {unit: count for unit, count in others.items() if count}
    due = sum(count * known[unit] for unit, count in used.items() if unit in known)
    if "requests" not in used:
        due += unit_prices.get("requests", 0)
    found = picos(others, **CLASSES, unit_prices=unit_prices)
    assert found == (due if used.keys() <= known.keys() else None)


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_without_a_price_costs_what_it_is_sold_as_or_is_unpriced(unit: OtherUnit) -> None:
    due = SOLD_AS.get(unit)
    assert picos({unit: 2}, **CLASSES) == (due and 2 * due)
    assert picos({unit: 2}, cache_write_price=1) is None
    assert picos({unit: 2}, **CLASSES, unit_prices={unit: 0}) == 0
    assert picos({unit: 0}, cache_write_price=1) == 0


def test_cached_tokens_without_a_price_cost_what_fresh_ones_do() -> None:
    for cached, fresh in FRESH.items():
        stated: dict[str, Any] = CLASSES | {"unit_prices": {fresh: 11}}
        assert picos({cached: 2}, **stated) == 22


def test_a_cached_image_without_any_cached_price_costs_what_input_does() -> None:
    assert picos({"cache_read_image": 2}, input_price=3) == 6


@pytest.mark.parametrize("unit", UNITS)
def test_tokens_of_every_kind_of_input_count_for_the_tier(unit: OtherUnit) -> None:
    tier = {"above_input_tokens": 10, "input_price": 1, "unit_prices": {unit: 2}}
    stated = priced(input_price=1, unit_prices={unit: 1}, tiers=[tier])
    cost = cost_of(Tokens(input=5), stated, None, {unit: 6})
    assert as_tuple(cost, per=1) == ((17, 10) if unit in INPUT else (11, None))


def test_a_variant_and_a_tier_have_unit_prices_of_their_own() -> None:
    own: dict[str, Any] = {"web_searches": 10}
    long = {"above_input_tokens": 1, "input_price": 1, "unit_prices": own}
    batch = {"input_price": 1, "tiers": [long]}
    stated = priced(unit_prices={"web_searches": 20}, variants={"batch": batch})
    searched: OtherUnits = {"web_searches": 3}
    assert as_tuple(cost_of(Tokens(), stated, None, searched), per=1) == (60, None)
    assert cost_of(Tokens(), stated, "batch", searched) is None
    in_tier = cost_of(Tokens(input=2), stated, "batch", searched)
    assert as_tuple(in_tier, per=1) == (32, 1)


def test_a_request_is_charged_once_and_an_aggregate_for_each() -> None:
    stated: dict[str, Any] = CLASSES | {"unit_prices": {"requests": 1_000}}
    assert picos({}, **stated) == 1_000
    assert picos({"requests": 1}, **stated) == 1_000
    assert picos({}, 470, **stated) == picos({"requests": 1}, 470, **stated) == 470_000
    assert picos({"requests": 3}, **stated) == 3_000
    assert picos({"requests": 1}, **CLASSES) is None
    assert picos({}, 470, **CLASSES) == 0


def test_an_aggregate_has_the_prices_of_the_base() -> None:
    stated = priced(input_price=1, tiers=[{"above_input_tokens": 10, "input_price": 2}])
    tokens = Tokens(input=100)
    assert as_tuple(cost_of(tokens, stated), per=1) == (200, 10)
    assert as_tuple(cost_of(tokens, stated, requests=2), per=1) == (100, None)


def test_units_cost_ten_million_dollars_at_most() -> None:
    stated = priced(unit_prices={"pages": 10**12})
    assert picos({"pages": 10**7}, unit_prices={"pages": 10**12}) == 10**19
    with pytest.raises(UsageOutOfRange, match="units: Must not cost more than 10000000000000"):
        cost_of(Tokens(), stated, None, {"pages": 10**7 + 1})
