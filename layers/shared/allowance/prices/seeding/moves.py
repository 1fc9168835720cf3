"""Changes between two price terms of a model, rate by rate: units, tiers and variants included.
Pure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from allowance.prices.terms import RATES, PriceTerms, Rates, Terms
from allowance.prices.units import OTHER_UNITS, OtherUnit

type RatesByPath = dict[str, int | None]
"""Path -> rate: `input_price`, `unit_prices.pages`, `tiers[200000].input_price`,
`variants.batch.input_price`.
"""


@dataclass(frozen=True, slots=True)
class Move:
    """A change of a known rate. `why` is the reason to hold it; None: it may pass."""

    path: str
    why: str | None


def moves(
    before: PriceTerms, after: PriceTerms, factor: int, tier_factor: int, tier_tokens: int
) -> Iterator[Move]:
    """Yield each change of a known rate. A rate may change by `factor`.

    A new tier is compared with the base, which priced its requests before. It may cost up to
    `tier_factor` times the base if it begins at `tier_tokens` or more.
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


def new_rates(before: PriceTerms | None, after: PriceTerms) -> Iterator[tuple[str, int]]:
    """Return the path and rate of each rate that was unknown and is now known."""
    old: RatesByPath = {} if before is None else every_rate(before)
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


def every_rate(terms: PriceTerms) -> RatesByPath:
    """Return every rate by its path; an unknown rate is None."""
    found = _with_prefix("", terms)
    for name, variant in terms.variants.items():
        found |= _with_prefix(f"variants.{name}.", variant)
    return found


def _with_prefix(prefix: str, terms: Terms) -> RatesByPath:
    # A tier lacks a unit that another level has: unknown there, as a class without a price is.
    levels: list[Rates] = [terms, *terms.tiers]
    units: list[OtherUnit] = [
        unit for unit in OTHER_UNITS if any(unit in each.unit_prices for each in levels)
    ]
    found = _of_level(prefix, terms, units)
    for tier in terms.tiers:
        found |= _of_level(f"{prefix}tiers[{tier.above_input_tokens}].", tier, units)
    return found


def _of_level(prefix: str, rates: Rates, units: Sequence[OtherUnit]) -> RatesByPath:
    found: RatesByPath = {
        f"{prefix}{name}": rate for name, rate in zip(RATES, rates.prices, strict=True)
    }
    for unit in units:
        found[f"{prefix}unit_prices.{unit}"] = rates.unit_prices.get(unit)
    return found


def _rate(rates: RatesByPath, path: str) -> int | None:
    """Return the rate of a path; for a tier that is absent, the rate of its base."""
    if path in rates or "tiers[" not in path:
        return rates.get(path)
    return rates.get(base_of(path) or path)


def base_of(path: str) -> str | None:
    """Return the path that a tier or a variant is compared with; None for a base itself.

    The base of a variant's tier is the variant.
    """
    if "tiers[" in path:
        prefix, _, rest = path.partition("tiers[")
        return prefix + rest.partition("].")[2]
    # variants.batch.unit_prices.pages
    return path.split(".", 2)[2] if path.startswith("variants.") else None


def threshold_of(path: str) -> int:
    """Return the number of tokens above which a tier applies; 0 for other paths."""
    return int(path.partition("tiers[")[2].partition("]")[0] or 0)
