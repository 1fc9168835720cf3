"""The cost that a record or a usage object states: exact to 1e-12 USD, whatever its notation."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowance.errors import UsageOutOfRange
from allowance.usage.reading.formats import UsageFormat
from allowance.usage.stated_cost import MAX_COST_USD, picos_of_usd, stated_in


@pytest.mark.parametrize(
    ("dollars", "picos"),
    [
        (0, 0),
        (-0.0, 0),
        (1, 10**12),
        (0.1, 10**11),
        (0.000125, 125_000_000),
        (1e-12, 1),
        (5e-13, 0),  # halfway: to the even one
        (1.5e-12, 2),
        ("0.0000000000025", 2),
        ("2.5E-12", 2),
        ("0.000125", 125_000_000),
        (0.1 + 0.2, 300_000_000_000),
        (MAX_COST_USD, 10**19),
        ("1e-999", 0),
    ],
)
def test_an_amount_is_rounded_half_even_to_the_smallest_unit(dollars: object, picos: int) -> None:
    assert picos_of_usd(dollars) == picos


@pytest.mark.parametrize(
    "dollars",
    [
        -1,
        -1e-12,
        "-0.1",
        MAX_COST_USD + 1,
        10_000_000.01,
        "10000000.0000000000001",
        "-1e-13",
        "1e999",
        "",
        " 1",
        "1,5",
        "0x10",
        "1_000",
        "NaN",
        "Infinity",
        "\u0661",
        "$1",
        "1" * 65,
        float("nan"),
        float("inf"),
        True,
        None,
        [],
        {},
        10**39,
    ],
)
def test_what_is_no_amount_is_refused(dollars: object) -> None:
    with pytest.raises(ValueError, match="US dollars from 0 to 10000000"):
        picos_of_usd(dollars)


@given(st.floats(0, MAX_COST_USD))
def test_a_float_is_the_decimal_that_it_prints(dollars: float) -> None:
    exact = Decimal(repr(dollars)) * 10**12
    assert picos_of_usd(dollars) == int(exact.quantize(Decimal(1), ROUND_HALF_EVEN))
    assert picos_of_usd(str(dollars)) == picos_of_usd(dollars)


@pytest.mark.parametrize(
    ("usage_format", "provider", "usage", "picos"),
    [
        ("openrouter", "a-provider", {"cost": 0.00014}, 140_000_000),
        ("auto", "openrouter", {"cost": 0.00014}, 140_000_000),
        ("openai", "OpenRouter", {"cost": "0.00014"}, 140_000_000),
        ("litellm", "bedrock", {"cost": 1}, 10**12),
        ("auto", "litellm_proxy", {"cost": 1}, 10**12),
        ("openrouter", "openrouter", {"cost": None}, None),
        ("openrouter", "openrouter", {}, None),
        # A fee for a key of one's own, and another vendor's field of the same name.
        ("openrouter", "openrouter", {"cost": 0.01, "is_byok": True}, None),
        ("openrouter", "openrouter", {"cost": 0.01, "is_byok": False}, 10**10),
        ("perplexity", "perplexity", {"cost": {"total_cost": 1}}, None),
        ("openai", "openai", {"cost": 1}, None),
    ],
)
def test_an_object_may_state_its_cost(
    usage_format: UsageFormat, provider: str, usage: dict[str, Any], picos: int | None
) -> None:
    assert stated_in(usage_format, usage, provider) == picos


@pytest.mark.parametrize("cost", [-1, "much", True, [1], {"total": 1}])
def test_a_cost_that_is_no_amount_refuses_the_object(cost: object) -> None:
    with pytest.raises(UsageOutOfRange) as refused:
        stated_in("openrouter", {"cost": cost}, "openrouter")
    assert [each.field for each in refused.value.problems] == ["usage.cost"]
