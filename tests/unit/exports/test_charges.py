"""The charges of a usage: by class and unit at their prices, and no picodollar more or less."""

import json
from decimal import Decimal, localcontext
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st

from allowance.exports.charges import charges_of, position_of_charge
from allowance.prices.units import OTHER_UNITS, TokenClass
from tests.charges import RATES, usage


def parts(**changes: Any) -> list[tuple[str, int, int | None, Decimal]]:
    return [
        (each.unit, each.quantity, each.price, each.cost_micros)
        for each in charges_of(usage(**changes))
    ]


def test_a_usage_has_a_charge_for_each_class_at_its_price() -> None:
    assert parts() == [
        ("input_tokens", 10, 3_000_000, Decimal(30)),
        ("cache_read_tokens", 3, 300_000, Decimal("0.9")),
    ]


def test_what_no_price_explains_is_a_charge_of_its_own() -> None:
    assert parts(rates=None, cost_micros=Decimal("5.5")) == [
        ("input_tokens", 10, None, Decimal()),
        ("cache_read_tokens", 3, None, Decimal()),
        ("calls", 7, None, Decimal("5.5")),
    ]
    assert parts(cost_micros=Decimal(31))[-1] == ("calls", 7, None, Decimal("0.1"))
    nothing = {"input_tokens": 0, "cache_read_tokens": 0, "cost_micros": Decimal()}
    assert parts(**nothing) == [("calls", 7, None, Decimal())]


def test_other_units_have_the_price_that_applies_to_them() -> None:
    stated = json.dumps({**RATES, "unit_prices": {"web_searches": 10_000_000_000}})
    units = {"input_image": 2, "web_searches": 3, "pixels": 1}
    assert parts(rates=stated, other_units=units, cost_micros=Decimal("30036.9"))[2:] == [
        ("input_image_tokens", 2, 3_000_000, Decimal(6)),
        ("web_searches", 3, 10_000_000_000, Decimal(30_000)),
        ("pixels", 1, None, Decimal()),
    ]


def test_a_price_per_request_counts_requests_that_nobody_stated() -> None:
    stated = json.dumps({**RATES, "unit_prices": {"requests": 1_000_000}})
    fees = {"rates": stated, "cost_micros": Decimal("37.9"), "other_units": {"requests": 2}}
    assert parts(**fees)[2:] == [("requests", 7, 1_000_000, Decimal(7))]
    assert parts(other_units={"requests": 2})[2:] == [("requests", 2, None, Decimal())]
    assert parts(rates=stated, cost_micros=Decimal("31.4"))[2:] == [
        ("calls", 7, None, Decimal("0.5"))
    ]


@given(
    st.lists(st.integers(-(10**12), 10**12), min_size=5, max_size=5),
    st.dictionaries(st.sampled_from(sorted(OTHER_UNITS)), st.integers(1, 10**12), max_size=4),
    st.decimals(-(10**20), 10**20, places=6),
    st.sampled_from((None, json.dumps(RATES), json.dumps({"unit_prices": {"requests": 7}}))),
)
def test_the_charges_of_a_usage_add_up_to_it(
    tokens: list[int], units: dict[str, int], cost: Decimal, rates: str | None
) -> None:
    names = [f"{each}_tokens" for each in get_args(TokenClass)]
    given_usage = usage(
        **dict(zip(names, tokens, strict=True)), other_units=units, cost_micros=cost, rates=rates
    )
    charges = charges_of(given_usage)
    with localcontext(prec=60):
        assert sum(each.cost_micros for each in charges) == cost
    for name, count in zip(names, tokens, strict=True):
        assert sum(each.quantity for each in charges if each.unit == name) == count
    assert [each.number for each in charges] == list(range(len(charges)))
    assert len({position_of_charge(each) for each in charges}) == len(charges)
    assert [each.is_first for each in charges] == [True] + [False] * (len(charges) - 1)
