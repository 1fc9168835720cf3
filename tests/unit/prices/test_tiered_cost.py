"""The cost of a usage by tiers: one tier prices the whole request."""

import pytest

from allowance.prices.cost import MAX_TOKENS, Tokens, cost_of
from allowance.prices.terms import RATES
from tests.costs import CLASSES, SONNET, as_tuple, micros, priced
from tests.oracle import micros_by_our_prices


@pytest.mark.parametrize(
    ("total", "tier", "input_price"),
    [
        (199_999, None, 3),
        (200_000, None, 3),
        (200_001, 200_000, 6),
        (399_999, 200_000, 6),
        (400_000, 200_000, 6),
        (400_001, 400_000, 9),
        (10**6, 400_000, 9),
    ],
)
def test_a_tier_begins_above_its_threshold_and_prices_the_whole_request(
    total: int, tier: int | None, input_price: int
):
    cost = cost_of(Tokens(input=total, output=10), SONNET)
    output = {None: 150, 200_000: 225, 400_000: 300}[tier]
    assert as_tuple(cost) == (total * input_price + output, tier)


@pytest.mark.parametrize("start", [2, 32_000, 128_000, 199_999, 200_000, 272_000, 10**12])
@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_a_tier_begins_where_the_oracle_says(start: int, offset: int):
    stated = priced(input_price=7, tiers=[{"above_input_tokens": start, "input_price": 11}])
    total = min(start + offset, MAX_TOKENS)
    cost = cost_of(Tokens(input=total), stated)
    assert cost
    assert (
        cost.picos
        == micros_by_our_prices(stated, Tokens(input=total)) * 10**6
        == total * (11 if total > start else 7)
    )


@pytest.mark.parametrize("name", ["input", "cache_read", "cache_write", "cache_write_1h"])
def test_every_class_of_input_counts_for_the_tier_and_the_output_does_not(name: str):
    flat = dict.fromkeys(RATES, 1_000_000)
    stated = priced(**flat, tiers=[{"above_input_tokens": 100, **dict.fromkeys(RATES, 2_000_000)}])
    assert micros(stated, **{name: 101}) == 202
    assert micros(stated, **{name: 100}, output=10**6) == 100 + 10**6
    spread = {each: 26 for each in CLASSES if each != "output"}
    assert micros(stated, **spread, output=1) == 210


def test_a_price_that_a_tier_does_not_state_is_unknown_there():
    assert micros(SONNET, input=200_000, cache_write=0) == 600_000
    assert micros(SONNET, input=199_999, cache_write=1) is not None
    assert micros(SONNET, input=200_000, cache_write=1) is None
