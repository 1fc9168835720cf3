"""Custom prices that must be confirmed: dollars typed as micro-units, above all."""

from typing import Any

import pytest

from allowance.prices.confirmation import dollars, far_prices
from allowance.prices.custom_models import CustomPrice, PriceBelow
from allowance.prices.terms import PriceTerms

NAME = {"provider": "openai", "model": "gpt-4.1"}
BOOK: dict[str, Any] = {
    "input_price": 2_000_000,
    "output_price": 8_000_000,
    "cache_read_price": 0,
    "unit_prices": {"web_searches": 10_000_000_000},
    "tiers": [
        {"above_input_tokens": 200_000, "input_price": 4_000_000},
        {"above_input_tokens": 400_000, "input_price": 8_000_000},
    ],
    "variants": {"batch": {"input_price": 1_000_000}},
}


def problems(named: dict[str, Any], book: dict[str, Any] | None = BOOK) -> dict[str, str]:
    terms = None if book is None else PriceTerms.model_validate(book)
    name: dict[str, Any] = {"provider": "openai", "model": "gpt-4.1"}
    spelled = {f"spelled_{part}": each for part, each in name.items()}
    base = {f"base_{part}": each for part, each in name.items()}
    below = PriceBelow(place=0, **name, **spelled, **base, terms=terms, is_known=terms is not None)
    entry = CustomPrice.model_validate(NAME | named)
    return {each.field: each.detail for each in far_prices(3, entry, below, "Send it")}


def test_dollars_typed_as_micros_are_named_with_both_prices() -> None:
    assert problems({"input_price": 2, "output_price": 8}) == {
        "prices[3].input_price": (
            "Means $0.000002 per million tokens, but the price book has $2.00 for openai/gpt-4.1."
            " Prices are in micro-units: 2000000 is $2.00. Send it if it is right."
        ),
        "prices[3].output_price": (
            "Means $0.000008 per million tokens, but the price book has $8.00 for openai/gpt-4.1."
            " Prices are in micro-units: 2000000 is $2.00. Send it if it is right."
        ),
    }


@pytest.mark.parametrize(
    ("named", "fields"),
    [
        ({"input_price": 200_000, "output_price": 80_000_000}, []),
        ({"input_price": 199_999, "output_price": 80_000_001}, ["input_price", "output_price"]),
        ({"input_price": 0}, ["input_price"]),
        ({"input_price": None, "output_price": 8_000_000}, []),
        ({"cache_read_price": 0}, []),
        ({"cache_read_price": 1}, ["cache_read_price"]),
        # Of what the book does not price, only the limits of a plausible price are known.
        ({"cache_write_price": 1000, "cache_write_1h_price": 0}, []),
        ({"cache_write_price": 999}, ["cache_write_price"]),
        ({"cache_write_price": 1_000_000_001}, ["cache_write_price"]),
        ({"unit_prices": {"web_searches": 10_000, "pages": 10_000}},
         ["unit_prices.web_searches", "unit_prices.pages"]),
        ({"unit_prices": {"web_searches": 9_000_000_000, "pages": 2_000_000_000}}, []),
        ({"unit_prices": {"web_searches": None}, "input_price": 2_000_000}, []),
        ({"tiers": [{"above_input_tokens": 300_000, "input_price": 400_000},
                    {"above_input_tokens": 400_000, "input_price": 799_999}]},
         ["tiers[1].input_price"]),
        ({"tiers": [{"above_input_tokens": 1, "input_price": 199_999}]}, ["tiers[0].input_price"]),
        ({"variants": {"batch": {"input_price": 1}, "flex": {"input_price": 199_999}}},
         ["variants.batch.input_price", "variants.flex.input_price"]),
        ({"variants": {"batch": {"input_price": 100_000}, "flex": None}}, []),
        ({"variants": {"batch": {"tiers": [{"above_input_tokens": 9, "input_price": 99_999}]}}},
         ["variants.batch.tiers[0].input_price"]),
    ],
)  # fmt: skip
def test_a_price_beyond_a_factor_of_ten_must_be_confirmed(
    named: dict[str, Any], fields: list[str]
) -> None:
    assert list(problems(named)) == [f"prices[3].{field}" for field in fields]


def test_without_a_price_in_the_book_a_tiny_price_must_be_confirmed() -> None:
    assert problems({"input_price": 2_000_000, "output_price": 0}, None) == {}
    (detail,) = problems({"input_price": 2}, None).values()
    assert detail.startswith(
        "Means $0.000002 per million tokens, but the price book has none, and this is below $0.001."
    )


@pytest.mark.parametrize(
    ("micros", "text"),
    [(0, "$0.00"), (1, "$0.000001"), (2_500_000, "$2.50"), (1_234_567_890_000, "$1,234,567.89")],
)
def test_dollars_have_two_decimals_or_as_many_as_are_needed(micros: int, text: str) -> None:
    assert dollars(micros) == text
