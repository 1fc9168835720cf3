"""The price that applies to a usage, and its cost, by the short way and the long one."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowance.errors import Problem, UsageOutOfRange
from allowance.prices.cost import MAX_COST_PICOS, Tokens, cost_of
from allowance.prices.terms import PriceTerms, Variant
from allowance.usage.kept import Kept
from allowance.usage.models import held_result
from allowance.usage.rating import UNPRICED, Rated, UsagePrice, UsagePrices
from allowance.usage.record_shape import EXAMPLE
from allowance.usage.records import usage_of

NOW = datetime(2026, 11, 27, tzinfo=UTC)
NAME = ("openai", "gpt")
PRICES = st.none() | st.sampled_from([0, 1, 3_000_000, 10**12])
COUNTS = st.sampled_from([0, 1, 999, 10**12])
TERMS = st.fixed_dictionaries(
    {"input_price": PRICES, "output_price": PRICES, "cache_write_price": PRICES},
    optional={
        "tiers": st.just([{"above_input_tokens": 500, "input_price": 7}]),
        "variants": st.just({"batch": {"input_price": 2}}),
        "unit_prices": st.sampled_from([{"requests": 5}, {"pages": 6}]),
    },
).filter(lambda terms: any(value is not None for value in terms.values()))


def price(terms: dict[str, Any] | None, **changes: Any) -> UsagePrice:
    facts = {"place": 0, "starts": NOW, "provider": "openai", "model": "gpt", "version_id": 1}
    return UsagePrice.model_validate(facts | {"terms": terms, "free": False} | changes)


def rated(
    prices: list[UsagePrice], tokens: Tokens, variant: Variant | None = None, **more: Any
) -> Rated:
    at = more.pop("at", NOW)
    return UsagePrices([NAME], prices).rate(*NAME, variant, at, tokens, **more)


@given(
    TERMS,
    st.builds(Tokens, COUNTS, COUNTS, st.just(0), COUNTS, st.just(0)),
    st.sampled_from([None, "batch"]),
    st.sampled_from([{}, {"pages": 2}]),
    st.sampled_from([1, 3]),
)
def test_a_usage_costs_what_its_terms_say_by_either_way(
    terms: dict[str, Any],
    tokens: Tokens,
    variant: Variant | None,
    others: dict[Any, int],
    requests: int,
) -> None:
    stated = PriceTerms.model_validate(terms)
    one = [price(terms)]
    try:
        cost = cost_of(tokens, stated, variant, others, requests)
    except UsageOutOfRange:
        with pytest.raises(UsageOutOfRange):
            rated(one, tokens, variant, others=others, requests=requests)
        return
    found = rated(one, tokens, variant, others=others, requests=requests)
    if cost is None:
        assert (found.cost_picos, found.price) == (None, None)
    else:
        assert found[:4] == (cost.picos, one[0], cost.rates, cost.tier)


def test_the_largest_cost_is_taken_and_a_pico_more_is_not() -> None:
    largest = MAX_COST_PICOS // 10**7
    assert rated([price({"input_price": 10**7})], Tokens(largest)).cost_picos == MAX_COST_PICOS
    with pytest.raises(UsageOutOfRange):
        rated([price({"input_price": 10**7, "output_price": 1})], Tokens(largest, 1))


def test_tiers_and_a_price_per_request_are_never_left_out() -> None:
    tier = {"above_input_tokens": 500, "input_price": 7}
    tiered = rated([price({"input_price": 1, "tiers": [tier]})], Tokens(501))
    assert (tiered.cost_picos, tiered.tier) == (3507, 500)
    fee = {"input_price": 1, "unit_prices": {"requests": 5}}
    assert rated([price(fee)], Tokens(2), requests=3).cost_picos == 17


def test_each_time_has_its_own_price() -> None:
    later = NOW + timedelta(hours=1)
    both = [price({"input_price": 1}), price({"input_price": 2}, starts=later)]
    assert rated(both, Tokens(5)).cost_picos == 5
    assert rated(both, Tokens(5), at=later).cost_picos == 10


def test_a_free_name_costs_nothing_and_one_without_a_price_is_unpriced() -> None:
    assert rated([price({"input_price": 1}, free=True)], Tokens(5)).cost_picos == 0
    assert rated([price(None, version_id=None)], Tokens(5)) == UNPRICED


def test_a_result_shows_the_stated_cost_and_what_was_not_read() -> None:
    record = EXAMPLE | {"cost_micros": 2}
    stated = held_result("recorded", 5_000_000, usage_of(record))
    assert (stated.stated_cost_micros, stated.cost_difference_micros) == (2, 3)
    kept = Kept("openai", "{}", (Problem("usage", "unread"),))
    result = held_result("duplicate", 5_000_000, usage_of(EXAMPLE)._replace(kept=kept))
    assert [each.detail for each in result.validations] == ["unread"]
