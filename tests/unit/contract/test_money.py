"""Money: rounded half-even once, refused when it is no exact amount, exact in dollars."""

import json
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from allowance.contract.fields import ExactMicros, Micros, Row
from allowance.contract.money import usd, usd_text, whole_micros

PICOS = st.integers(-(10**42), 10**42)
"""Millionths of a micro-unit, beyond every sum of the database."""


class Spent(Row):
    """A response with the same amount in both types."""

    whole: Micros
    exact: ExactMicros
    none: Micros | None = None


def micros(picos: int) -> Decimal:
    return Decimal(picos).scaleb(-6, Context(prec=60))


@given(PICOS)
@example(500_000)
@example(1_500_000)
@example(-500_000)
@example(24_999_999_999_999)
def test_whole_micros_are_rounded_half_even_whatever_the_context(picos: int) -> None:
    wide = Context(prec=60)
    expected = micros(picos).quantize(Decimal(1), ROUND_HALF_EVEN, wide)
    with localcontext(prec=3, rounding="ROUND_UP"):
        made = Spent.model_validate({"whole": micros(picos), "exact": micros(picos)})
        assert made.exact == micros(picos)
        assert json.loads(made.model_dump_json()) == {
            "whole": int(expected),
            "exact": int(expected),
            "none": None,
        }


@pytest.mark.parametrize(
    ("amount", "whole"),
    [("0.5", 0), ("1.5", 2), ("2.5", 2), ("0.500001", 1), ("-0.5", 0), ("-1.5", -2)],
)
def test_half_a_micro_goes_to_the_even_side(amount: str, whole: int) -> None:
    assert whole_micros(Decimal(amount)) == whole


@pytest.mark.parametrize("wrong", [1.5, 6000.0, True, "6000", None, *map(Decimal, ("NaN", "Inf"))])
@pytest.mark.parametrize("field", ["whole", "exact"])
def test_an_amount_that_may_have_lost_digits_is_refused(wrong: object, field: str) -> None:
    with pytest.raises(ValidationError, match=field):
        Spent.model_validate({"whole": 1, "exact": 1} | {field: wrong})


def test_an_amount_is_an_integer_in_the_openapi_document() -> None:
    properties = Spent.model_json_schema(mode="serialization")["properties"]
    assert {properties[name]["type"] for name in ("whole", "exact")} == {"integer"}


@given(PICOS)
def test_dollars_are_exact_with_twelve_decimals(picos: int) -> None:
    with localcontext(prec=3):
        dollars = usd(micros(picos))
        assert dollars.as_tuple().exponent == -12
        assert f"{dollars:f}".replace(".", "").lstrip("-0") == str(abs(picos)).lstrip("0")
        assert (dollars < 0) == (picos < 0)


def test_dollars_never_drop_a_digit() -> None:
    with pytest.raises(ArithmeticError):
        usd(Decimal("0.0000001"))


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "US$ 0.00"),
        (1, "US$ 0.000001"),
        (Decimal("0.000001"), "US$ 0.000000000001"),
        (10_000, "US$ 0.01"),
        (100_000, "US$ 0.10"),
        (Decimal("24999999.999999"), "US$ 24.999999999999"),
        (1_234_567_890_123, "US$ 1,234,567.890123"),
        (10**29 + 1, "US$ 100,000,000,000,000,000,000,000.000001"),
        (-1_500_000, "-US$ 1.50"),
    ],
)
def test_dollars_for_people_have_two_to_twelve_decimals(amount: int | Decimal, text: str) -> None:
    assert usd_text(amount) == text


@given(PICOS)
@example(-(10**42) + 1)
def test_the_text_loses_nothing(picos: int) -> None:
    whole, _, rest = usd_text(micros(picos)).replace("US$ ", "").replace(",", "").partition(".")
    assert int(whole + rest.ljust(12, "0")) == picos
