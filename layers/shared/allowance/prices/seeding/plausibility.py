"""What is no plausible price, by itself or beside the other rates of its model: the thresholds, and
the reasons. Pure.

Whoever mixes up units gets rates that are wrong together; whoever mixes up columns gets rates that
do not fit together.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from allowance.prices.seeding.moves import base_of, every_rate, new_rates, threshold_of


@dataclass(frozen=True)
class Thresholds:
    """When a change is held. The prices are input prices, in micro-units of USD per million tokens.

    What the book says is that of November 2026, which keeps within all of them.
    """

    move_factor: int = 3
    """A known price may become this many times larger or smaller; a new tier may be so many times
    below the base.
    """
    tier_factor: int = 10
    """A tier that was not known before may cost so many times what the base does. (The book: up to
    6.7)...
    """
    tier_tokens: int = 32_000
    """...if it begins at so many tokens or more: below, it prices what most requests are. (The
    book: 32,000 and up.)
    """
    book_percent: int = 20
    """Of the known models of a book, so many may move at once..."""
    book_models: int = 5
    """...unless fewer than this do."""
    sample: int = 20
    """So many prices make a distribution; with fewer at hand, a new model is taken at its word."""
    lowest: int = 1_000
    highest: int = 1_000_000_000
    """$0.001 and $1,000: outside no new price is plausible, but 0. (The book: 0.0011 to 600.)"""
    lowest_median: int = 20_000
    highest_median: int = 20_000_000
    """$0.02 and $20: outside the middle of many new models is not plausible, of all or of one
    provider.

    (The book: 0.50; its providers of so many models 0.11 to 3.)
    """
    lowest_output_ratio: int = 1
    highest_output_ratio: int = 12
    """Output costs so many times what input does, in the middle of many new models. (The book: 4.)
    """
    cache_read_percent: int = 110
    """Reading from the cache costs at most so much of what input does. (The book: 100.)"""
    cache_write_factor: int = 3
    """Writing to it, so many times what input does. (The book: up to 2.)"""
    variant_factor: int = 5
    """A variant costs so many times what the base does, or that part of it. (The book: 0.45 to 4.)
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
"""Free without saying so in their id: included in every plan of GitHub Copilot, and on Google's
free tier only.

By the comments of genai-prices on these models.
"""


def implausible(
    name: tuple[str, str],
    known: Mapping[str, Any] | None,
    proposed: Mapping[str, Any],
    limits: Thresholds,
    *,
    has_sample: bool,
) -> Iterator[str]:
    """Why what becomes known is no plausible price. `has_sample`: there are enough others to know
    what prices are.
    """
    found = list(new_rates(known, proposed))
    rates = every_rate(proposed)
    for path, rate in found:
        if has_sample and rate and not limits.lowest <= rate <= limits.highest:
            yield f"{path}: {rate} is no plausible price"
        if (
            why := _beside_input(path, rate, rates, limits)
            or _beside_base(path, rate, rates, limits)
        ) is not None:
            yield f"{path}: {why}"
    is_new = known is None or all(rate is None for rate in every_rate(known).values())
    is_said_to_be_free = name[1].endswith(":free") or name in KNOWN_FREE
    if (
        has_sample
        and is_new
        and found
        and not any(rate for _, rate in found)
        and not is_said_to_be_free
    ):
        yield "every price of a new model is zero"


def implausible_ratio(new: Sequence[Mapping[str, Any]], limits: Thresholds) -> str | None:
    """Why the output prices of new models do not fit their input prices, on the whole. What is free
    does not count.
    """
    ratios = sorted(
        Fraction(each["output_price"], each["input_price"])
        for each in new
        if each["input_price"] and each["output_price"]
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
    new: Sequence[tuple[str, Mapping[str, Any]]], limits: Thresholds
) -> Iterator[tuple[str, str]]:
    """The providers whose new models have input prices that are not plausible on the whole, and
    why.

    With those that are free: rounded to a unit that is too large, every price is zero.
    """
    by_provider: defaultdict[str, list[int]] = defaultdict(list)
    for provider, terms in new:
        if terms["input_price"] is not None:
            by_provider[provider].append(terms["input_price"])
    for provider, prices in by_provider.items():
        if (why := implausible_median(prices, limits)) is not None:
            yield provider, f"{why} of {provider}"


def implausible_median(prices: Sequence[int], limits: Thresholds) -> str | None:
    """Why the input prices of new models are not plausible on the whole."""
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
    """A variant or a tier of a model that was not known, or of one whose base was not."""
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
