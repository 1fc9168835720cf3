"""The third source: rows of LiteLLM's map of prices, a data file of the repository."""

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

from allowance.prices.terms import RATES
from local.price_book import PriceBookRefused
from local.price_book.statement import Key, Statement, Usd, micros, named

SOURCE = "litellm"
FOLDER = Path(__file__).parent
FILE = FOLDER / "litellm.json"
PIN_FILE = FOLDER / "litellm.txt"

LOWEST_FACTOR, HIGHEST_FACTOR = Decimal("0.95"), Decimal(2)
UNEQUAL = Decimal("1.05")
"""The limits of a region's factor, and how much the factors of one row may differ by rounding. The
map has slips outside of them, such as the price of another class.
"""

REGIONAL = {
    "azure": re.compile(r"(?:us-gov|us|eu|apac)/"),
    "bedrock": re.compile(r"(?:us-gov|us|eu|apac|au|jp|in)\.|(?!us-[ew])[a-z-]+-\d/"),
    "google": re.compile(r"regional/"),
}
"""The names of rows that state the price in a region, except Bedrock's of the US."""


class LiteLLM:
    """The rows: `models` by price book name. Raise PriceBookRefused for malformed rows."""

    def __init__(self, rows: Sequence[Any]) -> None:
        self.models: dict[Key, Statement] = {}
        for provider, model, prices, *tiers in rows:
            key = named(provider, model)
            if key in self.models:
                raise PriceBookRefused(f"{'/'.join(key)}: priced twice")
            by_size: Mapping[str, Any] = tiers[0] if tiers else {}
            self.models[key] = Statement(
                _usd(key, prices),
                {int(above): _usd(key, each) for above, each in sorted(by_size.items())},
            )
        self._by_lower = {(provider, model.lower()): model for provider, model in self.models}

    def stated(self, key: Key) -> Statement | None:
        """Return the prices of that id in any letter case, or None."""
        provider, model = key
        found = self._by_lower.get((provider, model.lower()))
        return None if found is None else self.models[provider, found]

    def regional(self) -> Mapping[Key, Statement]:
        """Return the rows that state the price in a region, without implausible ones."""
        found: dict[Key, Statement] = {}
        for (provider, model), stated in self.models.items():
            pattern = REGIONAL.get(provider)
            if pattern and (place := pattern.match(model)):
                elsewhere = self.stated((provider, model[place.end() :]))
                if elsewhere is None or is_plausible(elsewhere.usd, stated.usd):
                    found[provider, model] = stated
        return found


def load() -> tuple[LiteLLM, str]:
    """Return the rows of the data file and the version of their release.

    Raise PriceBookRefused if the file was edited, or is not from the pinned wheel.
    """
    document: dict[str, Any] = json.loads(
        FILE.read_text(), parse_float=Decimal, parse_int=Decimal, parse_constant=_no_number
    )
    lines = [line.removesuffix(",") for line in FILE.read_text().splitlines() if line[:1] == "["]
    if digest(lines) != document["rows_sha256"]:
        raise PriceBookRefused(f"{FILE.name} was edited: run `make litellm-prices`")
    pin = f"{SOURCE}=={document['version']} --hash=sha256:{document['archive_sha256']}"
    if pin not in PIN_FILE.read_text().splitlines():
        raise PriceBookRefused(f"{FILE.name} is not from the wheel that {PIN_FILE.name} pins")
    return LiteLLM(document["rows"]), document["version"]


def is_plausible(elsewhere: Usd, here: Usd) -> bool:
    """Return whether all prices in a region are about the same multiple of those elsewhere."""
    factors = [
        price / other
        for name, price in here.items()
        if price is not None and (other := elsewhere.get(name))
    ]
    return not factors or (
        min(factors) >= LOWEST_FACTOR
        and max(factors) <= HIGHEST_FACTOR
        and max(factors) <= min(factors) * UNEQUAL
    )


def digest(lines: Sequence[str]) -> str:
    """Return the SHA-256 of the rows as text."""
    return sha256("\n".join(lines).encode()).hexdigest()


def _usd(key: Key, prices: Sequence[Decimal | None]) -> Usd:
    usd: dict[str, Decimal | None] = dict(zip(RATES, prices, strict=True))
    for name, price in usd.items():
        micros(f"{SOURCE} {'/'.join(key)} {name}", price)
    return usd


def _no_number(constant: str) -> None:
    raise PriceBookRefused(f"{SOURCE}: {constant} is not a number")
