"""A lease prices tokens by the rule of the service, to the last pico."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowance.prices.cost import Tokens, cost_of
from allowance.prices.terms import PriceTerms
from allowance_client.documents import read_part
from allowance_client.local_price import CLASSES, cost_picos, micros_above
from allowance_client.models import Price, Resolution
from allowance_client.responses import Answer

COUNTS = st.fixed_dictionaries({}, optional={name: st.integers(0, 2000) for name in CLASSES})
RATES = st.fixed_dictionaries(
    {"input_price": st.integers(0, 10**9)},
    optional={f"{name}_price": st.none() | st.integers(0, 10**9) for name in CLASSES[1:]}
    | {"unit_prices": st.just({}) | st.just({"requests": 7}) | st.just({"web_searches": 5})},
)
TIERS = st.lists(RATES, max_size=2).map(
    lambda tiers: [each | {"above_input_tokens": 1000 * (n + 1)} for n, each in enumerate(tiers)]
)
TERMS = st.tuples(RATES, TIERS).map(lambda parts: {**parts[0], "tiers": parts[1]})


def resolution(terms: dict[str, Any] | None, via: str | None = "name") -> Resolution:
    """As the service sends it."""
    price = None
    if terms is not None:
        document = PriceTerms.model_validate(terms).model_dump(mode="json")
        document |= {"provider": "p", "model": "m", "source": "default"}
        price = read_part(Price, Answer(200, document, {}, None), document)
    return Resolution("p", "m", via, price)


@given(TERMS, st.none() | TERMS, COUNTS, st.sampled_from([None, "batch", "flex"]))
def test_tokens_cost_what_the_service_books(
    base: dict[str, Any], batch: dict[str, Any] | None, tokens: dict[str, int], variant: str | None
) -> None:
    terms = base | {"variants": {"batch": batch} if batch else {}}
    booked = cost_of(Tokens(**tokens), PriceTerms.model_validate(terms), variant)
    assert cost_picos(resolution(terms), tokens, variant) == (booked and booked.picos)


def test_the_highest_tier_that_the_input_exceeds_prices_all() -> None:
    tiers = [{"input_price": n, "above_input_tokens": n * 100} for n in (2, 3)]
    found = resolution({"input_price": 1, "tiers": tiers})
    assert [cost_picos(found, {"input": n}) for n in (200, 201, 301)] == [200, 402, 903]


def test_what_is_no_text_is_not_priced_here() -> None:
    found = resolution({"input_price": 1})
    assert cost_picos(found, {"input": 1, "input_audio": 1}) is None
    assert cost_picos(found, {"input": 1, "input_audio": 0}) == 1


def test_a_model_without_a_price_is_not_free_but_by_an_alias() -> None:
    assert cost_picos(resolution(None, via=None), {"input": 1}) is None
    assert cost_picos(resolution(None, via="alias"), {"input": 1}) == 0


@pytest.mark.parametrize("count", [-1, 1.0, True, "1"])
def test_a_count_is_a_whole_number(count: Any) -> None:
    with pytest.raises(ValueError, match=r"tokens\.input"):
        cost_picos(resolution({"input_price": 1}), {"input": count})


@given(st.integers(0, 10**15))
def test_an_estimate_is_rounded_up(picos: int) -> None:
    assert 0 <= micros_above(picos) * 10**6 - picos < 10**6
