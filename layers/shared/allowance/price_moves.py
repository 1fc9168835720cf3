"""How the price terms of a model move from one version to the next: rate by rate, tiers and variants included. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from allowance.terms import RATES

type Rates = dict[str, int | None]
"""Path -> rate: `input_price`, `tiers[200000].input_price`, `variants.batch.input_price`."""


@dataclass(frozen=True, slots=True)
class Move:
    """A known rate that changes, and why nobody should take it unseen: None where it may pass."""

    path: str
    why: str | None
    is_new_tier: bool
    """The tier was not known before: its rate is compared with the base, which priced such a request."""


def moves(before: Mapping[str, Any], after: Mapping[str, Any], factor: int, tier_factor: int) -> Iterator[Move]:
    """Each known rate that changes. A rate may move by a factor; one of a new tier may be so many times the base."""
    old, new = _rates(before), _rates(after)
    for path in dict.fromkeys([*old, *new]):
        known, rate = _rate(old, path), _rate(new, path)
        if known is not None and rate != known:
            is_new_tier = path not in old and "tiers[" in path
            yield Move(path, _why(path, known, rate, tier_factor if is_new_tier else factor), is_new_tier)


def new_rates(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """The rates that were unknown and are known now."""
    old: Rates = {} if before is None else _rates(before)
    return ((path, rate) for path, rate in _rates(after).items() if rate is not None and _rate(old, path) is None)


def _why(path: str, known: int, rate: int | None, factor: int) -> str | None:
    change = f"from {known} to {rate}"
    if rate is None:
        return f"{path}: becomes unknown {change}"
    if rate == 0:
        return f"{path}: falls to zero {change}"
    if known == 0:
        return f"{path}: rises from zero {change}"
    if max(known, rate) > factor * min(known, rate):
        return f"{path}: moves by more than a factor of {factor} {change}"
    return None


def _rates(terms: Mapping[str, Any]) -> Rates:
    found = _flat("", terms)
    for name, variant in terms.get("variants", {}).items():
        found |= _flat(f"variants.{name}.", variant)
    return found


def _flat(prefix: str, terms: Mapping[str, Any]) -> Rates:
    found: Rates = {f"{prefix}{name}": terms.get(name) for name in RATES}
    for tier in terms.get("tiers", []):
        found |= {f"{prefix}tiers[{tier['above_input_tokens']}].{name}": tier.get(name) for name in RATES}
    return found


def _rate(rates: Rates, path: str) -> int | None:
    """The rate of a path; of a tier that is not there, that of the base."""
    if path in rates or "tiers[" not in path:
        return rates.get(path)
    prefix, _, rest = path.partition("tiers[")
    return rates.get(prefix + rest.partition("].")[2])
