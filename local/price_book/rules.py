"""Where the two sources differ, and which differences are known for what they are.

A rule names something that one source does to all prices of a kind. What no rule explains, and is
beyond the tolerance, is a dispute: a person decides.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from local.price_book.genai import GenaiPrices
from local.price_book.statement import Key, Statement, Usd

TOLERANCE = Decimal("0.02")
"""The share of the first source's price by which the second may differ and still agree.

Prices in other units (Cloudflare's neurons, other currencies) and repeating decimals come back
rounded to two or three digits: the largest difference of that kind is 1.5%. No vendor is known to
have changed a price by as little.
"""

type Difference = tuple[Decimal | None, Decimal | None]
type Differences = Mapping[str, Difference]
"""By the path of the price, what the first source says and what the second does."""


@dataclass(frozen=True)
class Compared:
    """Two statements on one model: the first source's, by its own id of it, and the second's."""

    key: Key
    genai: GenaiPrices
    genai_key: Key
    second: Statement
    second_day: date


def cache_price_in_cents(each: Compared, path: str, first: Decimal, second: Decimal) -> bool:
    """models.dev has some cached prices in whole cents: 0.08 for gpt-4o-mini's 0.075, 0.28 for
    o4-mini's 0.275.
    """
    del each
    return "cache_" in path and second == first.quantize(Decimal("0.01"), ROUND_HALF_UP)


def output_of_images(each: Compared, path: str, first: Decimal, second: Decimal) -> bool:
    """Of models that put out images, models.dev has the price of image tokens as that of the
    output: not the text's.
    """
    del first
    return path == "output_price" and second == each.genai.image_output_usd(each.genai_key)


PRICE_RULES: Mapping[str, Callable[[Compared, str, Decimal, Decimal], bool]] = {
    "cached prices rounded to cents": cache_price_in_cents,
    "output price of images": output_of_images,
}
"""Rules that explain the difference of one price."""


def regional_endpoint(each: Compared) -> bool:
    """Amazon Bedrock charges 10% more at regional endpoints than at the global one for newer
    models.

    models.dev lists the regional ids (`us.`, `eu.`, or no prefix) at the global price; genai-prices
    has both, from the price list of AWS.
    """
    if not each.genai_key[1].startswith("regional."):
        return False
    raised = Statement(
        _times(each.second.usd, Decimal("1.1")),
        {k: _times(t, Decimal("1.1")) for k, t in each.second.tiers.items()},
    )
    return not unexplained(each, each.genai.stated_on(each.genai_key, each.genai.on), raised)


def superseded(each: Compared) -> bool:
    """The second source says what the first says was in force when the second was published: it has
    grown old.
    """
    before = each.genai.stated_on(each.genai_key, each.second_day)
    return before.is_priced and not unexplained(each, before, each.second)


SUPERSEDED = "superseded since the second was published"
STATEMENT_RULES: Mapping[str, Callable[[Compared], bool]] = {
    "regional endpoints at +10%": regional_endpoint,
    SUPERSEDED: superseded,
}
"""Rules that explain all that is left of the differences."""


def judge(each: Compared) -> tuple[set[str], Differences]:
    """The rules that explain how the two differ, and the differences if they do not: then they are
    in dispute.
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
    """The differences that no rule for one price explains."""
    return {
        path: (one, other)
        for path, (one, other) in differences(first, second).items()
        if one is None
        or other is None
        or not any(rule(each, path, one, other) for rule in PRICE_RULES.values())
    }


def differences(first: Statement, second: Statement) -> Differences:
    """Where both state a price and they are further apart than the tolerance; and tiers of the
    second alone.

    models.dev leaves tiers out as often as not, so the first source's are no difference. The other
    way round they are: genai-prices has them wherever they are known, and where it has none they
    may have ended.
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
