"""How the price terms of a model move from one version to the next: rate by rate, tiers and
variants included. Pure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from allowance.prices.terms import RATES

type Rates = dict[str, int | None]
"""Path -> rate: `input_price`, `tiers[200000].input_price`, `variants.batch.input_price`."""


@dataclass(frozen=True, slots=True)
class Move:
    """A known rate that changes, and why nobody should take it unseen: None where it may pass."""

    path: str
    why: str | None


def moves(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    factor: int,
    tier_factor: int,
    tier_tokens: int,
) -> Iterator[Move]:
    """Each known rate that changes. A rate may move by a factor.

    One of a tier that was not known is compared with the base, which priced such a request: it may
    be `tier_factor` times as much if it begins at `tier_tokens` or more.
    """
    old, new = every_rate(before), every_rate(after)
    for path in dict.fromkeys([*old, *new]):
        known, rate = _rate(old, path), _rate(new, path)
        if known is not None and rate != known:
            is_dearer_tier = (
                path not in old
                and rate is not None
                and rate > known
                and threshold_of(path) >= tier_tokens
            )
            yield Move(path, _why(path, known, rate, tier_factor if is_dearer_tier else factor))


def new_rates(
    before: Mapping[str, Any] | None, after: Mapping[str, Any]
) -> Iterator[tuple[str, int]]:
    """The rates that were unknown and are known now."""
    old: Rates = {} if before is None else every_rate(before)
    return (
        (path, rate)
        for path, rate in every_rate(after).items()
        if rate is not None and _rate(old, path) is None
    )


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


def every_rate(terms: Mapping[str, Any]) -> Rates:
    """The rates by their paths, known or not."""
    found = _flat("", terms)
    for name, variant in terms.get("variants", {}).items():
        found |= _flat(f"variants.{name}.", variant)
    return found


def _flat(prefix: str, terms: Mapping[str, Any]) -> Rates:
    found: Rates = {f"{prefix}{name}": terms.get(name) for name in RATES}
    for tier in terms.get("tiers", []):
        found |= {
            f"{prefix}tiers[{tier['above_input_tokens']}].{name}": tier.get(name) for name in RATES
        }
    return found


def _rate(rates: Rates, path: str) -> int | None:
    """The rate of a path; of a tier that is not there, that of the base."""
    if path in rates or "tiers[" not in path:
        return rates.get(path)
    return rates.get(base_of(path) or path)


def base_of(path: str) -> str | None:
    """The path of what a tier or a variant departs from; None of a base itself. A variant's tier
    departs from it.
    """
    if "tiers[" in path:
        prefix, _, rest = path.partition("tiers[")
        return prefix + rest.partition("].")[2]
    return path.rpartition(".")[2] if path.startswith("variants.") else None


def threshold_of(path: str) -> int:
    """The tokens above which a tier counts; 0 of what is no tier."""
    return int(path.partition("tiers[")[2].partition("]")[0] or 0)
