"""Variants of prices: the price book knows the same ones as usage records."""

from typing import get_args

from allowance.prices.terms import Variant
from local.price_book import genai


def test_the_price_book_has_every_variant_and_no_other() -> None:
    assert set(genai.VARIANTS.values()) == set(get_args(Variant))
