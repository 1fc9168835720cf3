"""The cost of a usage: exact, and never guessed."""

from decimal import Decimal
from typing import Any

import pytest

from allowance.errors import UsageOutOfRange
from allowance.prices.cost import MAX_COST_MICROS, MAX_TOKENS, Tokens, cost_of
from tests.costs import SONNET, as_tuple, micros, priced

# One request.


def test_a_request_costs_what_each_class_of_its_tokens_does():
    cost = cost_of(
        Tokens(input=1_000, output=2_000, cache_read=30_000, cache_write=400, cache_write_1h=50),
        SONNET,
    )
    assert as_tuple(cost) == (
        3_000 + 30_000 + 9_000 + 1_500 + 300,
        None,
    )


def test_a_cached_token_is_never_charged_as_a_fresh_one():
    assert micros(SONNET, cache_read=1_000_000 // 10) == 30_000
    assert micros(SONNET, input=1_000_000 // 10) == 300_000


def test_a_class_without_a_price_makes_a_usage_of_it_unpriced_and_no_other():
    stated = priced(input_price=1, output_price=0)
    assert micros(stated, input=5_000_000, output=9) == 5
    for name in ("cache_write", "cache_write_1h"):
        assert micros(stated, input=5_000_000, **{name: 1}) is None


def test_a_cached_read_without_a_price_of_its_own_costs_what_input_does():
    assert micros(priced(input_price=3_000_000), cache_read=1_000_000) == 3_000_000
    assert micros(priced(input_price=3, cache_read_price=0), cache_read=1_000_000) == 0
    assert micros(priced(output_price=3), cache_read=1) is None


def test_a_one_hour_cache_write_is_not_charged_as_one_of_five_minutes():
    assert micros(priced(input_price=1, cache_write_price=5), cache_write_1h=1) is None


def test_free_is_not_unpriced():
    assert as_tuple(cost_of(Tokens(input=7), priced(input_price=0))) == (0, None)


def test_no_tokens_cost_nothing_whatever_is_unknown():
    assert as_tuple(cost_of(Tokens(), priced(output_price=1))) == (0, None)


def test_a_variant_has_its_own_prices_and_none_stand_in_for_them():
    tokens = Tokens(input=1_000, output=1_000)
    assert as_tuple(cost_of(tokens, SONNET, "batch")) == (1_500 + 7_500, None)
    assert cost_of(Tokens(input=1, cache_write=1), SONNET, "batch") is None
    assert cost_of(tokens, SONNET, "flex") is None
    assert cost_of(Tokens(), SONNET, "priority") is None


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


def test_a_cost_is_exact_to_one_pico_and_its_micros_are_rounded_once():
    cost = cost_of(Tokens(input=1, output=1), priced(input_price=400_000, output_price=400_001))
    assert cost
    assert (cost.picos, cost.micros) == (800_001, 1)


def test_a_hundred_thousand_embeddings_of_three_tokens_cost_6000_micros():
    cost = cost_of(Tokens(input=3), priced(input_price=20_000))
    assert cost
    assert (cost.micros, 100_000 * cost.picos) == (0, 6_000 * 10**6)


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


def test_the_highest_cost_is_a_cost_and_one_pico_more_is_refused():
    stated = priced(input_price=10**12, output_price=1)
    assert micros(stated, input=10**7) == MAX_COST_MICROS
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
