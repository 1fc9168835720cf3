"""Price terms: which are accepted, and that each problem names its field."""

from typing import Any

import pytest
from pydantic import ValidationError

from allowance.contract.validation import problems_of
from allowance.prices.terms import MAX_PRICE_MICROS, RATES, PriceTerms, Rates

FULL = {
    "input_price": 3_000_000,
    "output_price": 15_000_000,
    "cache_read_price": 300_000,
    "cache_write_price": 3_750_000,
    "cache_write_1h_price": 6_000_000,
    "unit_prices": {"web_searches": 10_000_000_000, "input_audio": 0},
    "tiers": [
        {"above_input_tokens": 200_000, "input_price": 6_000_000, "output_price": 22_500_000},
        {"above_input_tokens": 500_000, "unit_prices": {"pages": MAX_PRICE_MICROS}},
    ],
    "variants": {
        "batch": {"input_price": 1_500_000, "tiers": [{"above_input_tokens": 1, "output_price": 1}]}
    },
}


def problems(document: dict[str, Any]) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        PriceTerms.model_validate(document)
    return [str(problem) for problem in problems_of(caught.value)]


def test_full_terms_are_taken_whole():
    terms = PriceTerms.model_validate(FULL)
    assert terms.model_dump(exclude_unset=True) == FULL
    assert list(terms.variants) == ["batch"]


def test_the_names_of_the_prices_are_the_fields_of_a_rate():
    assert tuple(Rates.model_fields) == (*RATES, "unit_prices")


def test_the_edges_of_a_price_are_prices():
    terms = PriceTerms.model_validate({"input_price": 0, "output_price": MAX_PRICE_MICROS})
    assert (terms.input_price, terms.output_price, terms.cache_read_price) == (
        0,
        MAX_PRICE_MICROS,
        None,
    )


@pytest.mark.parametrize(
    "document", [{name: FULL[name]} for name in ("tiers", "variants", "unit_prices")]
)
def test_one_price_somewhere_is_enough(document: dict[str, Any]):
    assert PriceTerms.model_validate(document).is_priced()


@pytest.mark.parametrize(
    "document", [{}, {"input_price": None}, {"tiers": [], "variants": {}, "unit_prices": {}}]
)
def test_terms_without_any_price_are_refused(document: dict[str, Any]):
    assert problems(document) == [
        "(document): At least one price must be set (0 declares a model free)."
    ]


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"input_price": -1}, "input_price: Must not be negative."),
        ({"input_price": 10**12 + 1}, "input_price: Must not exceed 1000000000000."),
        ({"input_price": 1.0}, "input_price: Must be a whole number."),
        ({"input_price": "1"}, "input_price: Must be a whole number."),
        ({"input_price": True}, "input_price: Must be a whole number."),
        ({"price": 1}, "price: Unknown field."),
        ({"unit_prices": {"pages": None}}, "unit_prices.pages: Must be a whole number."),
        ({"unit_prices": {"pages": 1.5}}, "unit_prices.pages: Must be a whole number."),
        ({"unit_prices": {"pages": -1}}, "unit_prices.pages: Must not be negative."),
        (
            {"tiers": [{"above_input_tokens": 9, "unit_prices": {"pages": 10**12 + 1}}]},
            "tiers[0].unit_prices.pages: Must not exceed 1000000000000.",
        ),
        ({"tiers": {}}, "tiers: Must be a list."),
        ({"tiers": [{"input_price": 1}]}, "tiers[0].above_input_tokens: Required."),
        (
            {"tiers": [{"above_input_tokens": 0, "input_price": 1}]},
            "tiers[0].above_input_tokens: Must be at least 1.",
        ),
        (
            {"tiers": [{"above_input_tokens": 9}]},
            "tiers[0]: At least one price must be set (0 declares a model free).",
        ),
        (
            {
                "tiers": [
                    {"above_input_tokens": 9, "input_price": 1},
                    {"above_input_tokens": 9, "input_price": 2},
                ]
            },
            "tiers: Must ascend strictly by above_input_tokens.",
        ),
        (
            {
                "tiers": [
                    {"above_input_tokens": 9, "input_price": 1},
                    {"above_input_tokens": 8, "input_price": 2},
                ]
            },
            "tiers: Must ascend strictly by above_input_tokens.",
        ),
        (
            {"variants": {"turbo": {"input_price": 1}}},
            "variants.turbo: Must be 'batch', 'flex', 'priority' or 'fast'.",
        ),
        (
            {"variants": {"flex": {"output_price": -1}}},
            "variants.flex.output_price: Must not be negative.",
        ),
        ({"variants": {"flex": {"variants": {}}}}, "variants.flex.variants: Unknown field."),
    ],
)
def test_a_problem_names_its_field(document: dict[str, Any], problem: str):
    assert problems(document) == [problem]


def test_every_problem_is_named_at_once():
    tiers = [{"above_input_tokens": 5, "cache_read_price": -1}]
    assert problems(
        {"output_price": "free", "tiers": tiers, "variants": {"batch": {"input_price": 2.5}}}
    ) == [
        "output_price: Must be a whole number.",
        "tiers[0].cache_read_price: Must not be negative.",
        "variants.batch.input_price: Must be a whole number.",
    ]


def test_terms_do_not_change():
    terms = PriceTerms.model_validate(FULL)
    with pytest.raises(ValidationError, match="frozen"):
        terms.input_price = 1  # pyright: ignore[reportAttributeAccessIssue]
