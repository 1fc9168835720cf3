"""Differences between the two sources, and the rules that explain known ones.

A rule names something that one source does to all prices of a kind. A difference above the
tolerance that no rule explains is a dispute: a person decides.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from local.price_book.genai import GenaiPrices
from local.price_book.statement import Key, Statement, Usd, place_in_force

TOLERANCE = Decimal("0.02")
"""The second source agrees if it differs by at most this share of the first source's price.

Prices converted from other units (Cloudflare's neurons, other currencies) and repeating decimals
are rounded to two or three digits. The largest such difference is 1.5%. No vendor is known to
change a price by so little.
"""

type Difference = tuple[Decimal | None, Decimal | None]
type Differences = Mapping[str, Difference]
"""The first and the second source's price, by path."""


@dataclass(frozen=True)
class Compared:
    """Two statements about one model: the first source's, under its own id, and the second's."""

    key: Key
    genai: GenaiPrices
    genai_key: Key
    second: Statement
    second_day: date


def cache_price_in_cents(each: Compared, path: str, first: Decimal, second: Decimal) -> bool:
    """Return whether the second price is the first in whole cents, as models.dev has some cached
    prices.

    Examples: 0.08 for gpt-4o-mini's 0.075, 0.28 for o4-mini's 0.275.
    """
    del each
    return "cache_" in path and second == first.quantize(Decimal("0.01"), ROUND_HALF_UP)


def output_of_images(each: Compared, path: str, first: Decimal, second: Decimal) -> bool:
    """Return whether the second output price is the price of image tokens.

    models.dev has it in place of the text's price for models with image output.
    """
    del first
    return path == "output_price" and second == each.genai.image_output_usd(each.genai_key)


PRICE_RULES: Mapping[str, Callable[[Compared, str, Decimal, Decimal], bool]] = {
    "cached prices rounded to cents": cache_price_in_cents,
    "output price of images": output_of_images,
}
"""Rules that explain the difference of one price."""


def regional_endpoint(each: Compared) -> bool:
    """Return whether the difference is the 10% that Amazon Bedrock adds at regional endpoints.

    The surcharge applies to newer models. models.dev lists the regional ids (`us.`, `eu.`, or no
    prefix) at the global price. genai-prices has both, from the price list of AWS.
    """
    if not each.genai_key[1].startswith("regional."):
        return False
    raised = Statement(
        _times(each.second.usd, Decimal("1.1")),
        {k: _times(t, Decimal("1.1")) for k, t in each.second.tiers.items()},
    )
    return not unexplained(each, each.genai.stated_on(each.genai_key, each.genai.on), raised)


def outdated(each: Compared) -> bool:
    """Return whether the second price is older than the first.

    Either the first source's price began after the second source was published, or the second has
    what the first had before.
    """
    timeline = each.genai.models[each.genai_key]
    place = place_in_force(timeline, each.genai.on) or 0
    day, _ = timeline[place]
    return (day is not None and day > each.second_day) or any(
        not unexplained(each, past, each.second) for _, past in timeline[:place]
    )


OUTDATED = "older than what the first source knows"
STATEMENT_RULES: Mapping[str, Callable[[Compared], bool]] = {
    "regional endpoints at +10%": regional_endpoint,
    OUTDATED: outdated,
}
"""Rules that explain all remaining differences."""


def judge(each: Compared) -> tuple[set[str], Differences]:
    """Return the rules that explain how the two differ, and the differences in dispute if they do
    not.
    """
    first = each.genai.stated_on(each.genai_key, each.genai.on)
    rest = unexplained(each, first, each.second)
    used = {
        name
        for path, (one, other) in differences(first, each.second).items()
        if path not in rest and one is not None and other is not None
        for name, rule in PRICE_RULES.items()
        if rule(each, path, one, other)
    }
    if not rest:
        return used, {}
    for name, rule in STATEMENT_RULES.items():
        if rule(each):
            return used | {name}, {}
    return used, rest


def unexplained(each: Compared, first: Statement, second: Statement) -> Differences:
    """Return the differences that no rule for one price explains."""
    return {
        path: (one, other)
        for path, (one, other) in differences(first, second).items()
        if one is None
        or other is None
        or not any(rule(each, path, one, other) for rule in PRICE_RULES.values())
    }


def differences(first: Statement, second: Statement) -> Differences:
    """Return the prices of both sources that differ by more than the tolerance, and tiers of the
    second alone.

    models.dev often omits tiers, so a tier of the first source alone is no difference. A tier of
    the second alone is one: genai-prices has tiers wherever they are known, so it may have ended.
    """
    found: dict[str, Difference] = {}
    for path, one, other in _both("", first.usd, second.usd):
        if abs(one - other) > TOLERANCE * one:
            found[path] = (one, other)
    for threshold, usd in second.tiers.items():
        theirs = next(
            (tier for start, tier in first.tiers.items() if abs(start - threshold) <= 1), None
        )
        if theirs is None:
            found |= {
                f"tiers[{threshold}].{name}": (None, price)
                for name, price in usd.items()
                if price is not None
            }
            continue
        for path, one, other in _both(f"tiers[{threshold}].", theirs, usd):
            if abs(one - other) > TOLERANCE * one:
                found[path] = (one, other)
    return found


def _both(prefix: str, first: Usd, second: Usd) -> list[tuple[str, Decimal, Decimal]]:
    return [
        (f"{prefix}{name}", one, other)
        for name, other in second.items()
        if other is not None and (one := first.get(name)) is not None
    ]


def _times(usd: Usd, factor: Decimal) -> Usd:
    return {name: None if price is None else price * factor for name, price in usd.items()}
