"""Thresholds of plausible prices, alone or beside other rates of the model, and the reasons. Pure.

A mix-up of units makes rates that are wrong together. A mix-up of columns makes rates that do not
fit together.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from allowance.prices.seeding.moves import base_of, every_rate, new_rates, threshold_of
from allowance.prices.seeding.unit_limits import UNIT_LIMITS, beside_text
from allowance.prices.terms import PriceTerms


@dataclass(frozen=True)
class Thresholds:
    """When a change is held. The prices are input prices, in micro-units of USD per million tokens.

    "The book" is the shipped book of November 2026. It is within every threshold.
    """

    move_factor: int = 3
    """A known price may grow or shrink by up to this factor. A new tier may be this many times
    cheaper than the base.
    """
    tier_factor: int = 10
    """A new tier may cost up to this many times the base (the book: up to 6.7)..."""
    tier_tokens: int = 32_000
    """...if it begins at this many tokens or more. A lower tier prices most requests. (The book:
    32,000 and up.)
    """
    book_percent: int = 20
    """At most this percentage of the known models of a book may move at once..."""
    book_models: int = 5
    """...unless fewer models than this move."""
    sample: int = 20
    """This many prices make a distribution. With fewer, a new model is not compared with others."""
    lowest: int = 1_000
    highest: int = 1_000_000_000
    """$0.001 and $1,000. A new price outside is implausible, except 0. (The book: 0.0011 to
    600.)
    """
    lowest_median: int = 20_000
    highest_median: int = 20_000_000
    """$0.02 and $20: the limits of the median of many new models, of all or of one provider.

    (The book: 0.50; its providers with as many models: 0.11 to 3.)
    """
    lowest_output_ratio: int = 1
    highest_output_ratio: int = 12
    """The limits of the median ratio of output to input price of many new models. (The book: 4.)
    """
    cache_read_percent: int = 110
    """A cache read costs at most this percentage of the input price. (The book: 100.)"""
    cache_write_factor: int = 3
    """A cache write costs at most this many times the input price. (The book: up to 2.)"""
    variant_factor: int = 5
    """A variant costs at most this many times the base, and at least the base divided by this.
    (The book: 0.45 to 4.)
    """


THRESHOLDS = Thresholds()

KNOWN_FREE = frozenset(
    {
        ("copilot", "gpt-3.5-turbo"),
        ("copilot", "gpt-4.1"),
        ("copilot", "gpt-4o"),
        ("copilot", "gpt-4o-mini"),
        ("google", "gemma-4-26b-a4b-it"),
        ("google", "gemma-4-31b-it"),
    }
)
"""Free models whose id does not say so: in every plan of GitHub Copilot, or on Google's free tier
only.

The source is genai-prices' comments on these models.
"""


def implausible(
    name: tuple[str, str],
    known: PriceTerms | None,
    proposed: PriceTerms,
    limits: Thresholds,
    *,
    has_sample: bool,
) -> Iterator[str]:
    """Yield why newly known rates are implausible.

    `has_sample`: enough other prices exist to compare with.
    """
    found = list(new_rates(known, proposed))
    rates = every_rate(proposed)
    for path, rate in found:
        lowest, highest = UNIT_LIMITS.get(path.rpartition(".")[2], (limits.lowest, limits.highest))
        if has_sample and rate and not lowest <= rate <= highest:
            yield f"{path}: {rate} is no plausible price"
        if (
            why := _beside_input(path, rate, rates, limits)
            or beside_text(path, rate, rates)
            or _beside_base(path, rate, rates, limits)
        ) is not None:
            yield f"{path}: {why}"
    is_known_free = name[1].endswith(":free") or name in KNOWN_FREE
    if (
        has_sample
        and known is None
        and found
        and not any(rate for _, rate in found)
        and not is_known_free
    ):
        yield "every price of a new model is zero"


def implausible_ratio(new: Sequence[PriceTerms], limits: Thresholds) -> str | None:
    """Return why the median ratio of output to input price of new models is implausible, or None.

    A free model does not count.
    """
    ratios = sorted(
        Fraction(each.output_price, each.input_price)
        for each in new
        if each.input_price and each.output_price
    )
    if len(ratios) >= limits.sample:
        middle = ratios[len(ratios) // 2]
        if not limits.lowest_output_ratio <= middle <= limits.highest_output_ratio:
            return (
                f"{middle} is no plausible median of output to input prices of {len(ratios)} "
                "new models"
            )
    return None


def implausible_medians(
    new: Sequence[tuple[str, PriceTerms]], limits: Thresholds
) -> Iterator[tuple[str, str]]:
    """Yield each provider whose new models have an implausible median input price, and why.

    Free models count: every price rounds to zero in a unit that is too large.
    """
    by_provider: defaultdict[str, list[int]] = defaultdict(list)
    for provider, terms in new:
        if terms.input_price is not None:
            by_provider[provider].append(terms.input_price)
    for provider, prices in by_provider.items():
        if (why := implausible_median(prices, limits)) is not None:
            yield provider, f"{why} of {provider}"


def implausible_median(prices: Sequence[int], limits: Thresholds) -> str | None:
    """Return why the median input price of new models is implausible, or None."""
    if len(prices) >= limits.sample:
        middle = sorted(prices)[len(prices) // 2]
        if not limits.lowest_median <= middle <= limits.highest_median:
            return (
                f"{middle} is no plausible median of the input prices of {len(prices)} new models"
            )
    return None


def _beside_input(
    path: str, rate: int, rates: Mapping[str, int | None], limits: Thresholds
) -> str | None:
    prefix, dot, name = path.rpartition(".")
    known = rates.get(f"{prefix}{dot}input_price")
    if known is None:
        return None
    if name == "cache_read_price" and rate * 100 > known * limits.cache_read_percent:
        return f"{rate} is more than {limits.cache_read_percent}% of the input price {known}"
    if name.startswith("cache_write") and rate > known * limits.cache_write_factor:
        return f"{rate} is more than {limits.cache_write_factor} times the input price {known}"
    return None


def _beside_base(
    path: str, rate: int, rates: Mapping[str, int | None], limits: Thresholds
) -> str | None:
    """Return why a new rate of a tier or a variant does not fit its base, or None."""
    base = base_of(path)
    known = None if base is None else rates.get(base)
    if base is None or known is None or rate == known:
        return None
    if tokens := threshold_of(path):
        lower, upper = (
            limits.move_factor,
            limits.tier_factor if tokens >= limits.tier_tokens else limits.move_factor,
        )
    else:
        lower = upper = limits.variant_factor
    if rate > known * upper or rate * lower < known:
        return f"{rate} does not fit {base} {known}"
    return None
