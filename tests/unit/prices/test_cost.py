"""The cost of a usage: exact, priced by one tier as a whole, never guessed; `genai_prices` is asked
as well.
"""

from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowance.errors import UsageOutOfRange
from allowance.prices.cost import MAX_COST_MICROS, MAX_TOKENS, Cost, TokenClass, Tokens, cost_of
from allowance.prices.terms import RATES, PriceTerms, Tier
from tests.oracle import micros_by_our_prices

CLASSES = ("input", "output", "cache_read", "cache_write", "cache_write_1h")
SONNET = PriceTerms.model_validate(
    {
        "input_price": 3_000_000,
        "output_price": 15_000_000,
        "cache_read_price": 300_000,
        "cache_write_price": 3_750_000,
        "cache_write_1h_price": 6_000_000,
        "tiers": [
            {"above_input_tokens": 200_000, "input_price": 6_000_000, "output_price": 22_500_000},
            {"above_input_tokens": 400_000, "input_price": 9_000_000, "output_price": 30_000_000},
        ],
        "variants": {"batch": {"input_price": 1_500_000, "output_price": 7_500_000}},
    }
)

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


def micros(stated: PriceTerms, **tokens: int) -> int | None:
    cost = cost_of(Tokens(**tokens), stated)
    return cost and cost.micros


def priced(**stated: Any) -> PriceTerms:
    return PriceTerms.model_validate(stated)


def told(cost: Cost | None) -> tuple[int, dict[TokenClass, Decimal], int | None] | None:
    return cost and (cost.micros, dict(cost.parts), cost.tier)


# One request.


def test_a_request_costs_what_each_class_of_its_tokens_does():
    cost = cost_of(
        Tokens(input=1_000, output=2_000, cache_read=30_000, cache_write=400, cache_write_1h=50),
        SONNET,
    )
    assert told(cost) == (
        43_800,
        {
            "input": Decimal(3_000),
            "output": Decimal(30_000),
            "cache_read": Decimal(9_000),
            "cache_write": Decimal(1_500),
            "cache_write_1h": Decimal(300),
        },
        None,
    )


def test_a_cached_token_is_never_charged_as_a_fresh_one():
    assert micros(SONNET, cache_read=1_000_000 // 10) == 30_000
    assert micros(SONNET, input=1_000_000 // 10) == 300_000


def test_a_class_without_a_price_makes_a_usage_of_it_unpriced_and_no_other():
    stated = priced(input_price=1, output_price=0)
    assert micros(stated, input=5_000_000, output=9) == 5
    for name in ("cache_read", "cache_write", "cache_write_1h"):
        assert micros(stated, input=5_000_000, **{name: 1}) is None


def test_a_one_hour_cache_write_is_not_charged_as_one_of_five_minutes():
    assert micros(priced(input_price=1, cache_write_price=5), cache_write_1h=1) is None


def test_free_is_not_unpriced():
    assert told(cost_of(Tokens(input=7), priced(input_price=0))) == (0, {"input": Decimal(0)}, None)


def test_no_tokens_cost_nothing_whatever_is_unknown():
    assert told(cost_of(Tokens(), priced(output_price=1))) == (0, {}, None)


def test_a_variant_has_its_own_prices_and_none_stand_in_for_them():
    tokens = Tokens(input=1_000, output=1_000)
    assert told(cost_of(tokens, SONNET, "batch")) == (
        9_000,
        {"input": Decimal(1_500), "output": Decimal(7_500)},
        None,
    )
    assert cost_of(Tokens(input=1, cache_read=1), SONNET, "batch") is None
    assert cost_of(tokens, SONNET, "flex") is None
    assert cost_of(Tokens(), SONNET, "priority") is None


# Tiers.


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
    assert cost
    assert (cost.tier, cost.parts["input"]) == (tier, total * input_price)
    assert cost.parts["output"] == {None: 150, 200_000: 225, 400_000: 300}[tier]


@pytest.mark.parametrize("start", [2, 32_000, 128_000, 199_999, 200_000, 272_000, 10**12])
@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_a_tier_begins_where_the_oracle_says(start: int, offset: int):
    stated = priced(input_price=7, tiers=[{"above_input_tokens": start, "input_price": 11}])
    total = min(start + offset, MAX_TOKENS)
    cost = cost_of(Tokens(input=total), stated)
    assert cost
    assert (
        cost.parts["input"]
        == micros_by_our_prices(stated, Tokens(input=total))
        == Decimal(total * (11 if total > start else 7)) / 10**6
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
    assert micros(SONNET, input=200_000, cache_read=0) == 600_000
    assert micros(SONNET, input=199_999, cache_read=1) is not None
    assert micros(SONNET, input=200_000, cache_read=1) is None


# Rounding and limits.


@pytest.mark.parametrize(
    ("millionths", "rounded"),
    [
        (499_999, 0),
        (500_000, 0),
        (500_001, 1),
        (1_499_999, 1),
        (1_500_000, 2),
        (2_500_000, 2),
        (2_500_001, 3),
    ],
)
def test_a_half_micro_goes_to_the_even_side(millionths: int, rounded: int):
    assert micros(priced(input_price=millionths), input=1) == rounded


def test_the_sum_is_rounded_and_not_its_parts():
    cost = cost_of(Tokens(input=1, output=1), priced(input_price=400_000, output_price=400_000))
    assert told(cost) == (1, {"input": Decimal("0.4"), "output": Decimal("0.4")}, None)


@pytest.mark.parametrize("wrong", [-1, MAX_TOKENS + 1, True, 1.0, "1", None, Decimal(1)])
def test_a_count_that_is_none_is_refused_by_name(wrong: Any):
    with pytest.raises(UsageOutOfRange) as refused:
        Tokens(input=1, output=wrong, cache_write_1h=wrong)
    assert [problem.field for problem in refused.value.problems] == [
        "tokens.output",
        "tokens.cache_write_1h",
    ]
    assert str(refused.value).startswith(
        "tokens.output: Must be a whole number from 0 to 1000000000000.\n"
    )


def test_the_highest_cost_is_a_cost_and_one_micro_more_is_refused():
    stated = priced(input_price=10**12, output_price=1_000_000)
    assert micros(stated, input=10**7) == MAX_COST_MICROS
    assert (
        micros(priced(input_price=10**12, output_price=500_000), input=10**7, output=1)
        == MAX_COST_MICROS
    )
    for tokens in (
        Tokens(input=10**7, output=1),
        Tokens(input=MAX_TOKENS),
        Tokens(input=MAX_TOKENS, output=MAX_TOKENS),
    ):
        with pytest.raises(
            UsageOutOfRange,
            match="tokens: Must not cost more than 10000000000000 micro-units of USD",
        ):
            cost_of(tokens, stated)


def test_a_cost_and_its_tokens_do_not_change():
    cost = cost_of(Tokens(input=1), SONNET)
    with pytest.raises(AttributeError):
        cost.micros = 0  # pyright: ignore[reportAttributeAccessIssue, reportOptionalMemberAccess]


# Properties.


def unpriced(stated: PriceTerms, tokens: Tokens) -> bool:
    passed: list[PriceTerms | Tier] = [stated]
    passed += [tier for tier in stated.tiers if tokens.total_input > tier.above_input_tokens]
    return any(
        getattr(tokens, name) and getattr(passed[-1], f"{name}_price") is None for name in CLASSES
    )


@given(stated=terms(), usage=usages)
def test_any_usage_costs_what_the_oracle_says_or_nothing_where_a_price_is_unknown(
    stated: PriceTerms, usage: dict[str, int]
):
    tokens = Tokens(**usage)
    exact = micros_by_our_prices(stated, tokens)
    if unpriced(stated, tokens):
        assert cost_of(tokens, stated) is None
    elif round(Fraction(exact)) > MAX_COST_MICROS:
        with pytest.raises(UsageOutOfRange):
            cost_of(tokens, stated)
    else:
        cost = cost_of(tokens, stated)
        assert cost
        assert sum(map(Fraction, cost.parts.values())) == Fraction(exact)
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
def test_no_part_of_a_cost_is_a_float(stated: PriceTerms, usage: dict[str, int]):
    try:
        cost = cost_of(Tokens(**usage), stated)
    except UsageOutOfRange:
        return
    if cost:
        assert type(cost.micros) is int
        assert all(type(part) is Decimal for part in cost.parts.values())
