"""The cost of any usage by any prices, compared with `genai_prices`."""

from decimal import localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowance.errors import UsageOutOfRange
from allowance.prices.cost import MAX_COST_MICROS, MAX_TOKENS, Cost, Tokens, cost_of
from allowance.prices.terms import RATES, PriceTerms, Tier
from tests.costs import CLASSES
from tests.oracle import micros_by_our_prices

price = (
    st.none()
    | st.integers(0, 10**12)
    | st.sampled_from([0, 1, 499_999, 500_000, 500_001, 1_500_000])
)
count = st.sampled_from([0, 1, 2, 3]) | st.integers(0, 10**4) | st.integers(0, MAX_TOKENS)
rates = st.fixed_dictionaries(dict.fromkeys(RATES, price)).filter(
    lambda each: any(p is not None for p in each.values())
)
usages = st.fixed_dictionaries(dict.fromkeys(CLASSES, count))


@st.composite
def terms(draw: st.DrawFn) -> PriceTerms:
    starts = sorted(draw(st.sets(st.sampled_from([1, 2, 3, 10, 4_999, 10**6, 10**12]), max_size=3)))
    tiers = [{"above_input_tokens": start, **draw(rates)} for start in starts]
    return PriceTerms.model_validate({**draw(rates), "tiers": tiers})


def unpriced(stated: PriceTerms, tokens: Tokens) -> bool:
    passed: list[PriceTerms | Tier] = [stated]
    passed += [tier for tier in stated.tiers if tokens.total_input > tier.above_input_tokens]
    # A cached read without a price of its own costs the input price.
    in_place = {"cache_read": ("cache_read_price", "input_price")}
    return any(
        getattr(tokens, name)
        and all(
            getattr(passed[-1], price) is None for price in in_place.get(name, (f"{name}_price",))
        )
        for name in CLASSES
    )


@given(stated=terms(), usage=usages)
def test_any_usage_costs_what_the_oracle_says_unless_a_price_is_unknown(
    stated: PriceTerms, usage: dict[str, int]
):
    tokens = Tokens(**usage)
    exact = micros_by_our_prices(stated, tokens)
    if unpriced(stated, tokens):
        assert cost_of(tokens, stated) is None
    elif exact > MAX_COST_MICROS:
        with pytest.raises(UsageOutOfRange):
            cost_of(tokens, stated)
    else:
        cost = cost_of(tokens, stated)
        assert cost
        assert cost.picos == Fraction(exact) * 10**6
        assert cost.micros == round(Fraction(exact))


@given(stated=terms(), usage=usages, precision=st.integers(1, 5))
def test_the_arithmetic_of_the_caller_does_not_matter(
    stated: PriceTerms, usage: dict[str, int], precision: int
):
    def outcome() -> Cost | str | None:
        try:
            return cost_of(Tokens(**usage), stated)
        except UsageOutOfRange as refused:
            return str(refused)

    usual = outcome()
    with localcontext(prec=precision):
        assert outcome() == usual


@given(stated=terms(), usage=usages)
def test_a_cost_is_a_whole_number_of_picos(stated: PriceTerms, usage: dict[str, int]):
    try:
        cost = cost_of(Tokens(**usage), stated)
    except UsageOutOfRange:
        return
    if cost:
        assert type(cost.picos) is type(cost.micros) is int
