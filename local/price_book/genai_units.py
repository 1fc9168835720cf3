"""The names of units in `genai-prices` (its data_units.py), and how many its prices are for."""

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from genai_prices.types import Tier, TieredPrices

from allowance.prices.units import OtherUnit, TokenClass
from local.price_book.statement import FINE, micros

type Price = Decimal | TieredPrices

MILLION = 1_000_000
THOUSAND = 1_000
HOUR = 3_600_000
"""Milliseconds: the book counts those."""


class Sold(NamedTuple):
    """A price of the package: its name, and how many of our units it is for."""

    name: str
    per: int = MILLION

    def per_million(self, where: str, price: Price) -> Price:
        """Return the price of one million units. Raise PriceBookRefused for a price that is none.

        The price of an hour has 28 digits.
        """
        if isinstance(price, TieredPrices):
            tiers = [Tier(each.start, self._scaled(where, each.price)) for each in price.tiers]
            return TieredPrices(self._scaled(where, price.base), tiers)
        return self._scaled(where, price)

    def _scaled(self, where: str, usd: Decimal) -> Decimal:
        # Check the size first: a huge exponent overflows.
        micros(where, usd)
        return usd if self.per == MILLION else FINE.divide(usd * MILLION, Decimal(self.per))


TOKENS: Mapping[TokenClass, Sold] = {
    "input": Sold("input_mtok"),
    "output": Sold("output_mtok"),
    "cache_read": Sold("cache_read_mtok"),
    "cache_write": Sold("cache_write_mtok"),
    "cache_write_1h": Sold("cache_write_1h_mtok"),
}

OTHERS: Mapping[OtherUnit, Sold] = {
    "input_audio": Sold("input_audio_mtok"),
    "input_image": Sold("input_image_mtok"),
    "input_video": Sold("input_video_mtok"),
    "cache_read_audio": Sold("cache_audio_read_mtok"),
    "cache_read_image": Sold("cache_image_read_mtok"),
    "cache_read_video": Sold("cache_video_read_mtok"),
    "output_audio": Sold("output_audio_mtok"),
    "output_image": Sold("output_image_mtok"),
    "output_video": Sold("output_video_mtok"),
    "output_reasoning": Sold("output_reasoning_mtok"),
    "output_citation": Sold("output_citation_mtok"),
    "web_searches": Sold("web_searches_kcount", THOUSAND),
    "file_searches": Sold("storage_searches_kcount", THOUSAND),
    "social_searches": Sold("social_searches_kcount", THOUSAND),
    "rerank_searches": Sold("rerank_searches_kcount", THOUSAND),
    "code_executions": Sold("code_executions_kcount", THOUSAND),
    "requests": Sold("requests_kcount", THOUSAND),
    "input_characters": Sold("input_mchars"),
    "input_messages": Sold("input_text_messages_kcount", THOUSAND),
    "audio_milliseconds": Sold("audio_hours", HOUR),
    "input_audio_milliseconds": Sold("input_audio_hours", HOUR),
    "output_audio_milliseconds": Sold("output_audio_hours", HOUR),
    "pages": Sold("input_document_kpages", THOUSAND),
    "annotated_pages": Sold("input_annotated_document_kpages", THOUSAND),
    "pixels": Sold("input_gpixels", 1_000_000_000),
}

SOLD = frozenset(each.name for each in (*TOKENS.values(), *OTHERS.values()))
"""Every price of the package that the book knows."""
