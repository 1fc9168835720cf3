"""Prices of units in a new book: which may change, and which are plausible."""

from typing import Any, get_args

import pytest

from allowance.prices.seeding.moves import moves, new_rates
from allowance.prices.seeding.plausibility import THRESHOLDS, implausible
from allowance.prices.seeding.unit_limits import UNIT_LIMITS
from allowance.prices.units import OtherUnit
from tests.costs import priced

UNITS: tuple[OtherUnit, ...] = get_args(OtherUnit)
SEARCH = {"web_searches": 10}


def moved(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str | None]]:
    found = moves(priced(**before), priced(**after), 3, 10, 32_000)
    return [(each.path, each.why) for each in found]


def test_a_unit_may_move_by_a_factor_of_three() -> None:
    before = {"unit_prices": SEARCH}
    assert moved(before, {"unit_prices": {"web_searches": 30}}) == [
        ("unit_prices.web_searches", None)
    ]
    assert moved(before, {"unit_prices": {"web_searches": 31}}) == [
        (
            "unit_prices.web_searches",
            "unit_prices.web_searches: moves by more than a factor of 3 from 10 to 31",
        )
    ]
    assert moved(before, {"input_price": 1}) == [
        (
            "unit_prices.web_searches",
            "unit_prices.web_searches: becomes unknown from 10 to None",
        )
    ]


def test_a_unit_that_a_variant_or_a_tier_loses_becomes_unknown() -> None:
    tier = {"above_input_tokens": 50_000, "input_price": 1}
    before = {
        "unit_prices": SEARCH,
        "tiers": [tier | {"unit_prices": SEARCH}],
        "variants": {"batch": {"input_price": 1, "unit_prices": SEARCH}},
    }
    after = {"unit_prices": SEARCH, "tiers": [tier], "variants": {"batch": {"input_price": 1}}}
    assert [path for path, why in moved(before, after) if why] == [
        "tiers[50000].unit_prices.web_searches",
        "variants.batch.unit_prices.web_searches",
    ]


def test_a_tier_that_lacked_a_unit_gets_a_new_rate_and_not_a_move() -> None:
    tier = {"above_input_tokens": 50_000, "input_price": 1}
    before = {"unit_prices": SEARCH, "tiers": [tier]}
    after = {"unit_prices": SEARCH, "tiers": [tier | {"unit_prices": {"web_searches": 99}}]}
    assert moved(before, after) == []
    assert list(new_rates(priced(**before), priced(**after))) == [
        ("tiers[50000].unit_prices.web_searches", 99)
    ]


def doubts(**stated: Any) -> list[str]:
    return list(implausible(("p", "m"), None, priced(**stated), THRESHOLDS, has_sample=True))


@pytest.mark.parametrize("unit", UNITS)
def test_a_price_outside_the_limits_of_its_unit_is_implausible(unit: OtherUnit) -> None:
    lowest, highest = UNIT_LIMITS.get(unit, (THRESHOLDS.lowest, THRESHOLDS.highest))
    for micros in (lowest, highest):
        assert doubts(unit_prices={unit: micros}) == []
    for micros in (lowest - 1, highest + 1):
        assert doubts(unit_prices={unit: micros}) == [
            f"unit_prices.{unit}: {micros} is no plausible price"
        ]


def test_a_variant_of_a_unit_is_compared_with_the_standard_price_of_it() -> None:
    variants = {"batch": {"unit_prices": {"pages": 10**9}}}
    assert doubts(unit_prices={"pages": 5 * 10**9}, variants=variants) == []
    assert doubts(unit_prices={"pages": 5 * 10**9 + 1}, variants=variants) == [
        "variants.batch.unit_prices.pages: 1000000000 does not fit unit_prices.pages 5000000001"
    ]
