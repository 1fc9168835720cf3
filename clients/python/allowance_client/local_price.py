"""The exact cost of text tokens by a price: whole picos, 1e-12 USD, by the service's rule. Pure."""

from collections.abc import Mapping
from typing import Any

from allowance_client.errors import AllowanceError
from allowance_client.models import Price, Resolution

PICOS_PER_MICRO = 1_000_000
CLASSES = ("input", "output", "cache_read", "cache_write", "cache_write_1h")
INPUT_CLASSES = ("input", "cache_read", "cache_write", "cache_write_1h")


class PriceUnknown(AllowanceError):
    """A lease cannot tell what the call may cost: state `estimate_micros` in place of tokens."""


def micros_above(picos: int) -> int:
    """Return whole micro-units that are not less than the picos."""
    return -(-picos // PICOS_PER_MICRO)


def cost_picos(
    resolution: Resolution, tokens: Mapping[str, int], variant: str | None = None
) -> int | None:
    """Return what tokens cost. None: the price does not say, or they are no text.

    Raise ValueError unless each count is a whole number and not negative.
    """
    for name, count in tokens.items():
        if type(count) is not int or count < 0:
            raise ValueError(f"tokens.{name} must be a whole number, and not negative")
    price = resolution.price
    if price is None:
        # An alias without a price says that the model is free.
        return 0 if resolution.via == "alias" else None
    if any(count for name, count in tokens.items() if name not in CLASSES):
        return None
    rates = _rates(price, tokens, variant)
    if rates is None:
        return None
    picos: int = rates.get("unit_prices", {}).get("requests", 0)
    for name in CLASSES:
        if count := tokens.get(name, 0):
            each = _price_of(rates, name)
            if each is None:
                return None
            picos += count * each
    return picos


def _rates(
    price: Price, tokens: Mapping[str, int], variant: str | None
) -> Mapping[str, Any] | None:
    """Return the prices of a variant, in the highest tier that the input exceeds."""
    terms: Mapping[str, Any] | None = (
        _base(price) if variant is None else price.variants.get(variant)
    )
    if terms is None:
        return None
    total = sum(tokens.get(name, 0) for name in INPUT_CLASSES)
    passed = [tier for tier in terms.get("tiers", ()) if total > tier["above_input_tokens"]]
    return passed[-1] if passed else terms


def _base(price: Price) -> Mapping[str, Any]:
    named = {f"{name}_price": getattr(price, f"{name}_price") for name in CLASSES}
    return {**named, "unit_prices": price.unit_prices, "tiers": price.tiers}


def _price_of(rates: Mapping[str, Any], name: str) -> int | None:
    found = rates.get(f"{name}_price")
    # No vendor asks more for a cached read than for a fresh one.
    return rates.get("input_price") if found is None and name == "cache_read" else found
